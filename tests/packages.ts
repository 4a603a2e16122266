import { readdirSync, readFileSync } from 'node:fs'

export interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

export const root = new URL('../', import.meta.url)

/** The published packages of this repository. */
export const packages = readdirSync(new URL('packages/', root)).map((folder) => {
  const url = new URL(`packages/${folder}/`, root)
  const manifest: Manifest = JSON.parse(readFileSync(new URL('package.json', url), 'utf8'))
  return { folder, url, manifest, name: manifest.name }
})
