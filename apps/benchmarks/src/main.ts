import { readFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { type Command, readCommand, UsageError } from './command.js'
import { disciplines } from './disciplines.js'
import { render, report } from './report.js'
import { MeasurementError, type RunOptions, run } from './run.js'

/** Fewer than six rounds give no interval. A full run of the protocol takes about nine minutes with these, a quick one about two. */
const full = { rounds: 12, limits: { warmUp: 200, measurement: 250 } }
const quick = { rounds: 6, limits: { warmUp: 60, measurement: 60 } }

const parentInterval = 500
/** As it was at the start: it may be gone by the time that anybody looks. */
const parent = process.ppid

const help = `Usage: npm run bench -- DISCIPLINE [WORD …] [--quick] [--check] [--json]

Measures the packages of this repository beside others, and holds them against their budgets.

  DISCIPLINE  ${Object.keys(disciplines).join(', ')}
  WORD        only the cases that have every word in the name of their group or their own

  --quick     fewer and shorter measurements: wider intervals
  --check     exit code 1 if a budget is missed beyond the 95 % confidence interval
  --json      the report as JSON instead of tables, with every figure; use npm run --silent
  --help      this text

Progress goes to standard error, the report to standard output.
`

/** Exit codes of a shell for a process that a signal ended. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 }

try {
  const command = readCommand(process.argv.slice(2), disciplines)
  if (command === 'help') process.stdout.write(help)
  else await bench(command)
} catch (error) {
  if (!(error instanceof UsageError || error instanceof MeasurementError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}

async function bench({ name, discipline, ...options }: Command): Promise<void> {
  const { rounds, limits: usual } = options.quick ? quick : full
  const limits = {
    warmUp: usual.warmUp * (discipline.warmUpFactor ?? 1),
    measurement: usual.measurement * (discipline.measurementFactor ?? 1),
  }
  const interruption = new AbortController()
  const end = (signal: keyof typeof exitCodes) => {
    process.exitCode = exitCodes[signal]
    interruption.abort()
  }
  process.once('SIGINT', end).once('SIGTERM', end)
  if (process.env.npm_lifecycle_event !== undefined) onParentExit(() => end('SIGTERM'))
  try {
    const figures = await run(name, discipline, { limits, rounds, signal: interruption.signal, onTask: progress() })
    const found = report(discipline, figures, { conditions: conditions(), rounds })
    process.stdout.write(options.json ? `${JSON.stringify(found, undefined, 2)}\n` : render(found))
    const missed = found.budgets.filter(({ verdict }) => verdict === 'missed').length
    if (options.check && missed > 0) {
      process.stderr.write(`${missed} of ${found.budgets.length} budgets missed\n`)
      process.exitCode = 1
    }
  } catch (error) {
    if (!interruption.signal.aborted) throw error
    process.stderr.write('\nInterrupted\n')
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end)
  }
}

/** On a terminal one line that changes; elsewhere a line for each tenth. */
function progress(): NonNullable<RunOptions['onTask']> {
  const start = performance.now()
  return (task, index, tasks) => {
    const minutes = ((performance.now() - start) / 60_000) * (tasks / index - 1)
    const left = index === 0 ? '' : `, ${minutes < 1 ? 'less than a minute' : `${Math.round(minutes)} min`} left`
    const state = `${index + 1} of ${tasks}${left}: ${task.group} / ${task.case} / ${task.contender}`
    if (process.stderr.isTTY) {
      process.stderr.write(
        `\r\x1b[K${state.slice(0, (process.stderr.columns ?? 80) - 1)}${index + 1 === tasks ? '\n' : ''}`,
      )
    } else if (index % Math.ceil(tasks / 10) === 0) {
      process.stderr.write(`${state}\n`)
    }
  }
}

function conditions(): Record<string, string> {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const others = Object.entries(manifest.dependencies).filter(([name]) => !name.startsWith('@x/'))
  return {
    runtime: `Node.js ${process.version} (${process.platform} ${process.arch})`,
    machine: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    versions: others.map(([name, version]) => `${name} ${version}`).join(', '),
  }
}

/** npm starts a shell that starts this process: a signal to npm ends those two and never gets here. */
function onParentExit(end: () => void): void {
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    end()
  }, parentInterval)
  watch.unref()
}
