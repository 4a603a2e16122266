import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { startWire } from './wire.js'

/** What a location says beside `proxy_pass`; everything else, buffering too, is nginx's own default. */
const locations = {
  '1.0': '',
  '1.1': 'proxy_http_version 1.1; proxy_set_header Connection "";',
} as const

/** How nginx speaks to what is behind it. */
export type HttpVersion = keyof typeof locations

const configuration = (folder: string, upstream: string): string => `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  server {
    listen unix:${folder}/socket;
${Object.entries(locations)
  .map(([name, lines]) => `    location /${name}/ { proxy_pass ${upstream}/; ${lines} }`)
  .join('\n')}
  }
}
`

/** A folder that is gone when the test is over. */
export function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sse-client-nginx-'))
  chmodSync(folder, 0o755)
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Starts nginx in front of `upstream`, as `proxy_pass` names it. Returns the address of a location. */
export async function startNginx(program: string, upstream: string): Promise<(version: HttpVersion) => string> {
  const folder = join(createFolder(), 'nginx')
  mkdirSync(folder)
  writeFileSync(join(folder, 'nginx.conf'), configuration(folder, upstream))
  const child = spawn(program, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const exited = new Promise<void>((resolve) => child.on('close', () => resolve()))
  onTestFinished(async () => {
    child.kill('SIGTERM')
    await exited
  })
  const path = join(folder, 'socket')
  while (!(await isListening(path))) {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`)
  }
  // fetch speaks TCP only, and nginx cannot be asked for any port that is free.
  const { url } = await startWire({ path })
  return (version) => `${url}/${version}/`
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.on('connect', () => resolve(true)).on('error', () => setImmediate(resolve, false))
    socket.on('connect', () => socket.destroy())
  })
}
