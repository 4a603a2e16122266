const kinds: Readonly<Record<string, string>> = {
  'package.json': 'npm',
  'deno.json': 'deno',
  'Cargo.toml': 'cargo',
  'go.mod': 'go',
  'pyproject.toml': 'python',
  'requirements.txt': 'python',
  'setup.py': 'python',
  'pom.xml': 'maven',
  'build.gradle': 'gradle',
  'build.gradle.kts': 'gradle',
  Gemfile: 'bundler',
  'composer.json': 'composer',
  'mix.exs': 'mix',
  'pubspec.yaml': 'pub',
}

const licenceFile = /(?:^|\/)(?:licen[cs]e|copying|unlicense)(?:[-.][\w.-]{1,30})?$/i
const testFile =
  /(?:^|\/)(?:tests?|__tests__|specs?|e2e)\/|[._-](?:test|tests|spec)\.[^/]+$|(?:^|\/)test_[^/]+$|_test\.[^/]+$/

/** The ecosystem of a package manifest; `undefined` for any other file. */
export function manifestKind(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return Object.hasOwn(kinds, name) ? kinds[name] : undefined
}

export function isPackageJson(path: string): boolean {
  return path === 'package.json' || path.endsWith('/package.json')
}

export function isLicenceText(path: string): boolean {
  return licenceFile.test(path)
}

/** Whether a path is that of a JavaScript or TypeScript module. */
export function isModule(path: string): boolean {
  return /\.[cm]?[jt]sx?$/.test(path)
}

/** Whether a file is there to test others, by its name or by its directory's. */
export function isTest(path: string): boolean {
  return testFile.test(path)
}

/** The directory that holds a file; empty for the root. */
export function directoryOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}
