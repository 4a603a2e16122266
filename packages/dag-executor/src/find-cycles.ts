/**
 * The cycles of a graph as paths of node indexes in which each depends on the next and the last is the first again. Every part
 * of the graph that is caught in a cycle gives at least one; no two of the paths share a node. Without recursion.
 */
export function findCycles(dependencies: readonly (readonly number[])[]): number[][] {
  const cycles: number[][] = []
  const inCycle = new Set<number>()
  const position = new Map<number, number>()
  const done = new Uint8Array(dependencies.length)
  const stack: { node: number; next: number }[] = []
  const enter = (node: number): void => {
    position.set(node, stack.length)
    stack.push({ node, next: 0 })
  }
  for (let root = 0; root < dependencies.length; root += 1) {
    if (done[root] === 1) continue
    enter(root)
    while (stack.length > 0) {
      const frame = stack[stack.length - 1]!
      const dependency = dependencies[frame.node]![frame.next]
      frame.next += 1
      if (dependency === undefined) {
        stack.pop()
        position.delete(frame.node)
        done[frame.node] = 1
      } else if (position.has(dependency)) {
        if (inCycle.has(dependency) || inCycle.has(frame.node)) continue
        const path = stack.slice(position.get(dependency)).map(({ node }) => node)
        if (path.some((node) => inCycle.has(node))) continue
        for (const node of path) inCycle.add(node)
        cycles.push([...path, dependency])
      } else if (done[dependency] === 0) {
        enter(dependency)
      }
    }
  }
  return cycles
}
