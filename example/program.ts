/** How each example runs as a program. */

/** @param ports the variables that choose its ports */
export function run (main: () => Promise<void>, ports = 'PORT'): void {
  main().catch((error) => {
    const isTaken = (error as { code?: unknown }).code === 'EADDRINUSE'
    console.error(isTaken ? `Port ${error.port} is in use: stop the program that listens there, or choose another one by ${ports}.` : error)
    process.exitCode = 1
  })
}
