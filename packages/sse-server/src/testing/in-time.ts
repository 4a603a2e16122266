/** Settles as the promise does, or rejects after some milliseconds with the error that `late` makes then. */
export async function inTime<T>(promise: Promise<T>, milliseconds: number, late: () => Error): Promise<T> {
  let deadline: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<never>((_resolve, reject) => {
    deadline = setTimeout(() => reject(late()), milliseconds)
  })
  try {
    return await Promise.race([promise, over])
  } finally {
    clearTimeout(deadline)
  }
}
