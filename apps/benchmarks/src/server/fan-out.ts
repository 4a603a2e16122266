import type { Contender, Group } from '../discipline.js'
import { cpuPerUnit } from '../measure.js'
import { type DeliverySetup, delivery } from './delivery.js'
import { loop } from './loop.js'
import { betterSse, expressSse, fastifyPlugin, hono } from './peers.js'
import { ownFraming, sseServer } from './sse-server.js'

const unit = 'CPU ns per event and connection'
const measure = cpuPerUnit

const sameFraming = (setup: DeliverySetup): Contender => delivery(loop(ownFraming), setup)
const chunked = (setup: DeliverySetup): Contender =>
  delivery(
    loop(async () => 'chunked'),
    setup,
  )
const own = (setup: DeliverySetup): Contender => delivery(sseServer(), setup)

const against = (gate: number): Group['ratios'] => [
  {
    name: 'sse-server ÷ loop',
    dividend: 'sse-server',
    divisor: 'loop',
    budgets: [{ of: 'each', must: 'be at most', gate }],
  },
]

export const fanOut: Group = {
  name: 'one event per tick',
  unit,
  measure,
  cases: [200, 1_000].map((connections) => ({
    name: `${connections} connections`,
    contenders: {
      loop: sameFraming({ connections }),
      'loop, chunked': chunked({ connections }),
      'sse-server': own({ connections }),
      'sse-server, closed': own({ connections, version: '1.0' }),
    },
  })),
  ratios: [
    ...against(1.05),
    {
      name: 'sse-server, closed ÷ loop, chunked',
      dividend: 'sse-server, closed',
      divisor: 'loop, chunked',
      budgets: [{ of: 'each', must: 'be at most', gate: 0.85 }],
    },
  ],
}

export const bursts: Group = {
  name: 'ten events per tick',
  unit,
  measure,
  cases: [200, 1_000].map((connections) => ({
    name: `${connections} connections`,
    contenders: {
      loop: sameFraming({ connections, perTick: 10 }),
      'loop, chunked': chunked({ connections, perTick: 10 }),
      'sse-server': own({ connections, perTick: 10 }),
    },
  })),
  ratios: [
    ...against(0.5),
    { name: 'sse-server ÷ loop, chunked', dividend: 'sse-server', divisor: 'loop, chunked', budgets: [] },
  ],
}

export const manyStreams: Group = {
  name: 'many streams',
  unit,
  measure,
  cases: [1_000].map((streams) => ({
    name: `${streams} streams of one connection`,
    contenders: {
      loop: sameFraming({ connections: streams, streams }),
      'sse-server': own({ connections: streams, streams }),
    },
  })),
  ratios: against(1.25),
}

const peer = { connections: 200 }
const peers: Readonly<Record<string, Contender>> = {
  'better-sse': delivery(betterSse, peer),
  '@fastify/sse': delivery(fastifyPlugin, peer),
  hono: delivery(hono, peer),
  'express-sse': delivery(expressSse, peer),
}

export const others: Group = {
  name: 'others',
  unit,
  measure,
  cases: [
    {
      name: 'one event per tick, 200 connections',
      contenders: { 'loop, chunked': chunked(peer), 'sse-server': own(peer), ...peers },
    },
  ],
  ratios: Object.keys({ 'sse-server': own, ...peers }).map((name) => ({
    name: `${name} ÷ loop`,
    dividend: name,
    divisor: 'loop, chunked',
    budgets: [],
  })),
}
