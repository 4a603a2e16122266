import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { turn } from './harness.js'

/** What a location says beside `proxy_pass`; everything else is nginx's own default. */
export const locations = {
  '1.0': '',
  '1.1': 'proxy_http_version 1.1; proxy_set_header Connection "";',
  gzip: 'gzip on; gzip_proxied any; gzip_min_length 1; gzip_types text/event-stream application/json;',
  impatient: 'proxy_read_timeout 1s;',
} as const

export type Location = keyof typeof locations

const configuration = (folder: string, port: number): string => `
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
  .map(([name, lines]) => `    location /${name}/ { proxy_pass http://127.0.0.1:${port}/; ${lines} }`)
  .join('\n')}
  }
}
`

/** Starts nginx in front of a port, with a folder of its own. Returns the path of the socket on which it listens. */
export async function startNginx(program: string, port: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'nginx-'))
  chmodSync(folder, 0o755)
  writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port))
  const child = spawn(program, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const exited = new Promise<void>((resolve) => child.on('close', () => resolve()))
  onTestFinished(async () => {
    child.kill('SIGTERM')
    await exited
    rmSync(folder, { recursive: true })
  })
  const path = join(folder, 'socket')
  while (!(await isListening(path))) {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`)
    await turn()
  }
  return path
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

/** Asks a socket as `fetch` would. */
export function ask(socketPath: string, path: string, headers: Record<string, string> = {}): Promise<Response> {
  return new Promise((resolve, reject) => {
    const client = request({ socketPath, path, headers, agent: false }, (incoming) => {
      incoming.on('error', () => {})
      const body = new ReadableStream<Uint8Array>(
        {
          start: (controller) => {
            incoming.on('end', () => controller.close())
            incoming.on('close', () => {
              if (!incoming.complete) controller.error(new Error('The connection was cut'))
            })
            incoming.on('data', (chunk: Uint8Array) => {
              controller.enqueue(chunk)
              incoming.pause()
            })
            incoming.pause()
          },
          pull: () => {
            incoming.resume()
          },
          cancel: () => {
            client.destroy()
          },
        },
        new ByteLengthQueuingStrategy({ highWaterMark: 1 }),
      )
      const isEmpty = incoming.statusCode === 204
      if (isEmpty) incoming.resume()
      resolve(
        new Response(isEmpty ? null : body, {
          status: incoming.statusCode!,
          headers: Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)]),
        }),
      )
    })
    client.on('error', reject)
    client.end()
  })
}
