/** A graph by its nodes; every node that is named is a key. */
export type Graph = ReadonlyMap<string, readonly string[]>

/** A way back to where it began, and how many nodes reach each other around it. */
export interface Cycle {
  readonly path: readonly string[]
  readonly nodes: number
}

/**
 * The shortest cycle of every group of nodes that all reach each other, through the first node of the group in the
 * graph's order. Linear in the graph and without recursion, so a chain of any length is fine.
 */
export function findCycles(graph: Graph): Cycle[] {
  return components(graph)
    .filter(([first, ...others]) => others.length > 0 || graph.get(first!)?.includes(first!))
    .map((component) => ({ path: shortestCycle(graph, component), nodes: component.length }))
}

/** Tarjan's strongly connected components with a stack of its own; each in the graph's order. */
function components(graph: Graph): string[][] {
  const order = new Map([...graph.keys()].map((node, position) => [node, position]))
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const open: string[] = []
  const isOpen = new Set<string>()
  const found: string[][] = []
  const enter = (node: string, calls: { node: string; next: number }[]): void => {
    index.set(node, index.size)
    low.set(node, index.size - 1)
    open.push(node)
    isOpen.add(node)
    calls.push({ node, next: 0 })
  }
  for (const root of graph.keys()) {
    if (index.has(root)) continue
    const calls: { node: string; next: number }[] = []
    enter(root, calls)
    for (let call = calls.at(-1); call; call = calls.at(-1)) {
      const { node } = call
      const target = graph.get(node)![call.next++]
      if (target !== undefined) {
        if (!index.has(target)) enter(target, calls)
        else if (isOpen.has(target)) low.set(node, Math.min(low.get(node)!, index.get(target)!))
        continue
      }
      calls.pop()
      const caller = calls.at(-1)
      if (caller) low.set(caller.node, Math.min(low.get(caller.node)!, low.get(node)!))
      if (low.get(node) !== index.get(node)) continue
      const component = open.splice(open.lastIndexOf(node))
      for (const member of component) isOpen.delete(member)
      found.push(component.sort((a, b) => order.get(a)! - order.get(b)!))
    }
  }
  return found.sort((a, b) => order.get(a[0]!)! - order.get(b[0]!)!)
}

/** Breadth first from the group's first node back to it. */
function shortestCycle(graph: Graph, component: readonly string[]): string[] {
  const start = component[0]!
  const members = new Set(component)
  const from = new Map<string, string>()
  const queue = [start]
  for (let next = 0; next < queue.length; next++) {
    const node = queue[next]!
    for (const target of graph.get(node)!) {
      if (target === start) return pathTo(node, start, from)
      if (!members.has(target) || from.has(target)) continue
      from.set(target, node)
      queue.push(target)
    }
  }
  return [start]
}

function pathTo(last: string, start: string, from: ReadonlyMap<string, string>): string[] {
  const path = [start, last]
  for (let node = last; node !== start; ) {
    node = from.get(node)!
    path.push(node)
  }
  return last === start ? [start, start] : path.reverse()
}
