// SPDX-License-Identifier: Apache-2.0
// Sets the version of all packages: `node scripts/set-version.ts 0.2.0`. See RELEASING.md.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Manifest, root, workspaces } from './packages.ts'

const [version] = process.argv.slice(2)
if (version === undefined || !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) {
  process.stderr.write(`set-version: expected a version such as 0.2.0, got ${version}\n`)
  process.exit(2)
}

const names = new Set(workspaces().map(({ manifest }) => manifest.name))

/** `dependencies` with the version of our own packages replaced. */
function updated(dependencies: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(dependencies).map(
      ([name, range]) => [name, names.has(name) ? version : range] as const,
    ),
  ) as Record<string, string>
}

function updateManifest(file: string, manifest: Manifest): void {
  const changed: Record<string, unknown> = { ...manifest, version }
  for (const field of ['dependencies', 'devDependencies'] as const) {
    const dependencies = manifest[field]
    if (dependencies !== undefined) changed[field] = updated(dependencies)
  }
  writeFileSync(file, `${JSON.stringify(changed, null, 2)}\n`)
}

for (const { directory, manifest } of workspaces()) {
  updateManifest(join(directory, 'package.json'), manifest)
}
const rootManifest = join(root, 'package.json')
updateManifest(rootManifest, JSON.parse(readFileSync(rootManifest, 'utf8')) as Manifest)
execFileSync('npm', ['install', '--package-lock-only', '--ignore-scripts'], {
  cwd: root,
  stdio: 'inherit',
})

const changelog = join(root, 'CHANGELOG.md')
const today = new Date().toISOString().slice(0, 10)
const text = readFileSync(changelog, 'utf8')
writeFileSync(changelog, text.replace(/^## \S+, unreleased$/m, `## ${version}, ${today}`))
