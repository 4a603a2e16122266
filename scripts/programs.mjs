#!/usr/bin/env node
// Finds the programs that tests need beyond npm, and installs what is missing where it may: as root on Debian or Ubuntu.
// Elsewhere it says which tests will be skipped and how to get the program. In CI a missing program is a failure.

import { execFileSync } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** @typedef {{ commands: string[], paths?: string[], variable?: string, debian: string, suites: string }} Program */

/** @type {Record<string, Program>} */
const programs = {
  chromium: {
    commands: ['chromium', 'chromium-browser', 'google-chrome'],
    paths: [
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    ],
    variable: 'CHROMIUM_PATH',
    debian: 'chromium',
    suites: 'the browser tests',
  },
  git: { commands: ['git'], debian: 'git', suites: 'the tests of scans of a git checkout' },
  ip: {
    commands: ['ip'],
    paths: ['/usr/sbin/ip'],
    debian: 'iproute2',
    suites: 'the tests with a network namespace',
  },
  nginx: {
    commands: ['nginx'],
    // Outside the PATH of users that are not root.
    paths: ['/usr/sbin/nginx', '/usr/local/sbin/nginx'],
    variable: 'NGINX_PATH',
    debian: 'nginx-light',
    suites: 'the tests behind nginx',
  },
  'redis-server': {
    commands: ['redis-server'],
    debian: 'redis-server',
    suites: 'the tests against Redis',
  },
}

/**
 * The path of a program's executable, `undefined` where there is none. An environment variable (`CHROMIUM_PATH`) goes first.
 * @param {string} name
 * @returns {string | undefined}
 */
export function findProgram(name) {
  const { commands, paths = [], variable } = program(name)
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  const given = variable && process.env[variable]
  const candidates = given
    ? [given]
    : [...commands.flatMap((command) => folders.map((folder) => join(folder, command))), ...paths]
  return candidates.find(isExecutable)
}

/** @param {string} name */
function program(name) {
  const found = programs[name]
  if (!found) throw new Error(`Expected one of ${Object.keys(programs).join(', ')}, got ${name}`)
  return found
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function mayInstall() {
  if (process.getuid?.() !== 0) return false
  try {
    return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return false
  }
}

/** @param {string[]} names */
function install(names) {
  const packages = names.map((name) => program(name).debian)
  console.log(`Installing ${packages.join(', ')} (used by tests only) …`)
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  /** @param {string[]} words */
  const apt = (...words) =>
    execFileSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...words], {
      env: environment,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  try {
    apt('update')
    apt('install', '-y', '--no-install-recommends', ...packages)
  } catch (error) {
    console.error(`apt-get failed: ${error instanceof Error ? error.message : error}`)
  }
}

function isCi() {
  return ![undefined, '', '0', 'false'].includes(process.env.CI)
}

/** @param {string[]} names */
function ensure(names) {
  const missing = () => names.filter((name) => !findProgram(name))
  if (missing().length > 0 && mayInstall()) install(missing())
  for (const name of missing()) {
    const { debian, suites, variable } = program(name)
    console.log(
      `${name} is missing: ${suites} are skipped. To run them: sudo apt-get install -y ${debian}${variable ? ` (or set ${variable})` : ''}`,
    )
  }
  if (missing().length > 0 && isCi()) {
    console.error('In CI no test may be skipped for want of a program.')
    process.exitCode = 1
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) ensure(process.argv.slice(2))
