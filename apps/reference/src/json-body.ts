import { createHash } from 'node:crypto'
import express, { type Request, type RequestHandler } from 'express'
import { HttpProblem } from './http-problem.js'

const fingerprints = new WeakMap<object, string>()

/** Reads the JSON body of a route that takes one. A page of another origin can post text without asking first, but not JSON. */
export function jsonBody(maxBytes: number): RequestHandler[] {
  return [
    (request, _response, next) => {
      if (request.is('json')) return next()
      const detail = 'Expected a body with Content-Type: application/json.'
      throw new HttpProblem({ status: 415, code: 'unsupported_media_type', detail })
    },
    express.json({
      limit: maxBytes,
      // Any JSON is read: what the route cannot use is its own to refuse.
      strict: false,
      verify: (request, _response, body) => {
        if (body.length > 0) fingerprints.set(request, createHash('sha256').update(body).digest('base64'))
      },
    }),
    (request, _response, next) => {
      if (fingerprints.has(request)) return next()
      throw new HttpProblem({ status: 400, code: 'malformed_json', detail: 'The body is empty; expected JSON.' })
    },
  ]
}

/** Names the bytes of a request's body, after `jsonBody`. */
export function bodyFingerprint(request: Request): string {
  return fingerprints.get(request) ?? ''
}
