import { client } from './client/client.js'
import type { Discipline } from './discipline.js'
import { executor } from './executor/executor.js'
import { protocol } from './protocol/protocol.js'
import { server } from './server/server.js'

/** By the word that names them on the command line. */
export const disciplines: Readonly<Record<string, Discipline>> = { protocol, executor, server, client }
