import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ParallelExecutor } from '@x/dag-executor'
import { EventStreamParser, executionEvents } from '@x/sse-protocol'
import { journal, MemoryEventLog, SseServer } from '@x/sse-server'
import { expect, it } from 'vitest'

const dag = {
  tasks: [
    { id: 'load', tool: 'load' },
    { id: 'words', tool: 'count', arguments: { text: { $ref: 'load' } }, dependsOn: ['load'] },
    { id: 'report', tool: 'report', arguments: { words: { $ref: 'words' } }, dependsOn: ['words'] },
  ],
}

it('an execution that was broken off goes on from its stream, and its reader sees one run without a seam', async () => {
  const calls: string[] = []
  const tools = {
    load: () => {
      calls.push('load')
      return 'to be or not to be'
    },
    count: ({ text }: { text: string }) => {
      calls.push('count')
      return text.split(' ').length
    },
    report: ({ words }: { words: number }) => {
      calls.push('report')
      return `${words} words`
    },
  }
  const log = new MemoryEventLog()
  const first = new SseServer({ events: executionEvents, log })
  const stream = await first.open('run')
  const broken = journal(stream)
  // The process is gone, as far as this execution can tell, when the last task has ended and nobody knows it.
  let appends = 0
  const dying = {
    append: async (events: Parameters<typeof broken.append>[0]) => {
      appends += 1
      if (appends > 2) return new Promise<void>(() => {})
      return broken.append(events)
    },
  }
  void new ParallelExecutor({ tools }).execute(dag, { executionId: 'run', journal: dying })
  while (appends < 3) await new Promise((resolve) => setImmediate(resolve))

  const second = new SseServer({ events: executionEvents, log })
  const server = createServer(second.middleware()).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/run`
  const reading = fetch(url).then((response) => response.text())
  const successor = await second.open('run')
  const result = await new ParallelExecutor({ tools }).execute(dag, {
    executionId: 'run',
    signal: successor.signal,
    journal: journal(successor),
    resumeFrom: await successor.entries(),
  })

  expect([result.status, result.results.map(({ output }) => output)]).toEqual([
    'success',
    ['to be or not to be', 6, '6 words'],
  ])
  expect(calls).toEqual(['load', 'count', 'report', 'report'])
  const events = new EventStreamParser().push(new TextEncoder().encode(await reading))
  const told = events
    .filter(({ type }) => type !== 'heartbeat')
    .map(({ type, data }) => [type, JSON.parse(data).taskId])
  expect(told[0]).toEqual(['execution_start', undefined])
  expect(told.filter(([type]) => type === 'task_complete').map(([, taskId]) => taskId)).toEqual([
    'load',
    'words',
    'report',
  ])
  expect(told.at(-1)).toEqual(['execution_complete', undefined])
  // The first producer has lost the stream, and can spoil nothing.
  await expect(stream.publish('execution_complete', {} as never)).rejects.toMatchObject({ code: 'fenced' })
  await Promise.all([first.close(), second.close()])
  server.close()
})
