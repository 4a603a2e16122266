/** Dependencies that cycles may have in all that are not apart from the others, in a small graph. */
const minRoom = 1_000

interface Frame {
  readonly node: number
  /** How many of its dependencies were followed. */
  next: number
  /** The deepest place in the stack, down to this one, that is on a cycle. */
  tangled: number
}

/**
 * Cycles of a graph as paths of node indexes in which each depends on the next and the last is the first again. Each node that depends
 * on itself is a path. The others each have a last dependency that none of the rest has: without these, as long as none was left out,
 * there would be no cycle. First come those that share no node with each other, at least one for every part of the graph that is caught
 * in a cycle; then others, as far as they are together no longer than the graph. In linear time, without recursion.
 */
export function findCycles(dependencies: readonly (readonly number[])[]): number[][] {
  const apart: number[][] = []
  const others: number[][] = []
  let room = Math.max(minRoom, dependencies.length)
  /** The place in the stack, from 1; 0 for what was not reached, and -1 for what is done. */
  const places = new Int32Array(dependencies.length)
  const stack: Frame[] = []
  const enter = (node: number, tangled: number): void => {
    stack.push({ node, next: 0, tangled })
    places[node] = stack.length
  }
  const pathFrom = (place: number): number[] => {
    const path = stack.slice(place - 1).map(({ node }) => node)
    return [...path, path[0]!]
  }
  for (let root = 0; root < dependencies.length; root += 1) {
    if (places[root] === 0) enter(root, 0)
    while (stack.length > 0) {
      const frame = stack[stack.length - 1]!
      const dependency = dependencies[frame.node]![frame.next]
      frame.next += 1
      if (dependency === undefined) {
        stack.pop()
        places[frame.node] = -1
        continue
      }
      const place = places[dependency]!
      const length = stack.length - place + 1
      if (place === 0) enter(dependency, frame.tangled)
      else if (dependency === frame.node) apart.push([dependency, dependency])
      else if (place > 0 && frame.tangled < place) {
        apart.push(pathFrom(place))
        for (let tangled = place; tangled <= stack.length; tangled += 1) stack[tangled - 1]!.tangled = tangled
      } else if (place > 0 && length <= room) {
        others.push(pathFrom(place))
        room -= length
      }
    }
  }
  return [...apart, ...others]
}
