/** A place in a {@link LinkedList}. */
export interface LinkedNode<Value> {
  readonly value: Value
  before: LinkedNode<Value> | undefined
  after: LinkedNode<Value> | undefined
}

/** A queue from whose middle something can be taken in constant time. */
export class LinkedList<Value> {
  #first: LinkedNode<Value> | undefined
  #last: LinkedNode<Value> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get first(): Value | undefined {
    return this.#first?.value
  }

  append(value: Value): LinkedNode<Value> {
    const node: LinkedNode<Value> = { value, before: this.#last, after: undefined }
    if (this.#last) this.#last.after = node
    else this.#first = node
    this.#last = node
    this.#size += 1
    return node
  }

  /** The node must be in this list. */
  remove(node: LinkedNode<Value>): void {
    if (node.before) node.before.after = node.after
    else this.#first = node.after
    if (node.after) node.after.before = node.before
    else this.#last = node.before
    this.#size -= 1
  }

  clear(): void {
    this.#first = undefined
    this.#last = undefined
    this.#size = 0
  }
}
