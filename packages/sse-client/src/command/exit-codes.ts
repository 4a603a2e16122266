/** What the command's exit code says. Those of signals are as a shell has them: 128 and the signal's number. */
export const exitCodes = {
  complete: 0,
  failed: 1,
  usage: 2,
  unread: 3,
  interrupted: 130,
  brokenPipe: 141,
  terminated: 143,
} as const
