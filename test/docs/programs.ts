/** The code of every page compiles, runs, and answers as the page says. */

import t, { type Test } from 'tap'
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../helpers'
import { makeIdentity, withNewerNode } from '../tls/helpers'
import { pages, programsOf, root, type Program } from './read'

const run = promisify(execFile)
const folder = join(root, 'build/docs-code')
const environment = { ...process.env, NODE_OPTIONS: '' }

// The reference has signatures, and no programs.
const programs = pages.filter((page) => page !== 'docs/reference.md').flatMap(programsOf).map((program, index) => {
  const name = `${program.page.replace(/\W+/g, '-')}-${index}`
  return { ...program, file: join(folder, `${name}.${program.language === 'ts' ? 'mts' : 'mjs'}`), built: join(folder, `${name}.mjs`) }
})

t.before(async () => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const { file, page, heading, source } of programs) writeFileSync(file, `// ${page}, "${heading}"\n${source}`)
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({
    extends: '../../tsconfig.json',
    // The decorators of NestJS are those that TypeScript had before ECMAScript.
    compilerOptions: {
      noEmit: false, noUnusedLocals: false, paths: {}, rootDir: '.', outDir: '.', experimentalDecorators: true
    },
    include: ['*.mts']
  }))
})

t.test('it compiles', async (t) => {
  const result = await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { cwd: folder, env: environment }).catch((error) => error)
  t.equal(String(result.stdout), '')
})

// Without a request, which the application might count.
async function reaches (port: number): Promise<boolean> {
  const socket = connect(port, 'localhost')
  const reached = await new Promise<boolean>((resolve) => { socket.once('connect', () => { resolve(true) }).once('error', () => { resolve(false) }) })
  socket.destroy()
  return reached
}

/** Writes the certificates of the page on schemes. */
function writeCertificates (): string {
  const place = join(folder, 'certificates')
  const [ca, partnersCa] = [makeIdentity('ca', { ca: true }), makeIdentity('partners', { ca: true })]
  const server = makeIdentity('localhost', { issuer: ca, hosts: ['localhost'] })
  const acme = makeIdentity('acme', { issuer: partnersCa, usage: 'clientAuth' })
  mkdirSync(place, { recursive: true })
  const files = { 'ca.pem': ca.pem, 'partners-ca.pem': partnersCa.pem, 'server.key': server.key, 'server.pem': server.cert, 'acme.key': acme.key, 'acme.pem': acme.cert }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(place, name), content)
  return place
}

type Built = Program & { readonly built: string }

async function runProgram (t: Test, program: Built): Promise<void> {
  if (program.needsCertificates) await withNewerNode(t, async (node) => { await runIn(t, program, writeCertificates(), node) })
  else await runIn(t, program, root, process.execPath)
}

async function runIn (t: Test, { built, source, exchanges }: Built, cwd: string, node: string): Promise<void> {
  const port = await freePort()
  const child = spawn(node, [built], { cwd, env: { ...environment, PORT: String(port) } })
  let output = ''
  child.stdout.on('data', (data) => { output += String(data) })
  child.stderr.on('data', (data) => { output += String(data) })
  const over = new Promise<number | null>((resolve) => { child.on('exit', resolve) })
  if (!source.includes('app.listen(')) {
    t.equal(await over, 0, output)
    return
  }
  while (child.exitCode === null && !await reaches(port)) await new Promise((resolve) => { setTimeout(resolve, 20) })
  t.equal(child.exitCode, null, `it listens ${output}`)
  for (const { command, answer } of exchanges) {
    const { stdout } = await run('sh', ['-c', command.replaceAll('localhost:3000', `localhost:${port}`)], { cwd })
    const lines = stdout.split(/\r?\n/)
    let from = 0
    const missing = answer.find((line) => {
      const found = lines.indexOf(line.trimEnd(), from)
      from = found + 1
      return found === -1
    })
    t.equal(missing, undefined, `${command}\n${stdout}`)
  }
  child.kill()
  await over
}

for (const program of programs) t.test(`${program.page}, "${program.heading}"`, async (t) => { await runProgram(t, program) })
