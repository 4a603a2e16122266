export const help = `Usage: sse-client URL [OPTION …]

Follows an event stream to its end: each event is a line on standard output, and
what happens to the connection is told on standard error. A connection that is
lost is made again, and the stream goes on where it was.

The request
  -H, --header 'NAME: VALUE'  goes with every request; may be given again
  -X, --method METHOD         default: GET, or POST with --data
  -d, --data BODY             @FILE takes it from a file, @- from standard
                              input. Sent as application/json where it is JSON,
                              unless --header names another Content-Type
      --last-event-id ID      begin after this event
      --transport NAME        sse, poll (pages of JSON), or auto: poll where no
                              stream gets through (default)
      --retry-budget N        reconnects in a row without success before giving
                              up, or Infinity (default 1000)
      --on-gap WHAT           if events are missing: fail, or continue (default)

The end
      --events NAME           which events end the stream:
                                agent      agent:complete, fatal agent:error
                                execution  execution_complete
                                none       none
                                auto       all of these, execution_complete only
                                           if the server confirms it by status
                                           204 (default)
                              Status 204 is the end in any case
      --terminal TYPE         so does an event of this type; may be given again
      --failure TYPE          the same, and the run has failed

The output
      --json                  {"type", "id", "data"} as JSON, a line per event,
                              and nothing else on standard output
      --full                  lines are not cut to the width of the terminal
  -h, --help                  this text
      --version               the version

Colours are for terminals; NO_COLOR=1 and FORCE_COLOR=1 decide otherwise.

Exit codes
  0    complete: the terminal event, or status 204
  1    the run failed: a fatal agent:error, an execution_complete whose status
       is not success, or a type that --failure names
  2    wrong usage
  3    the stream could not be read to its end
  130  Ctrl-C (143: SIGTERM); the last line says how to go on
  141  the reader of the output has left, as with | head
`
