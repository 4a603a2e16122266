declare module '*/scripts/programs.mjs' {
  export function findProgram(name: string): string | undefined
}
