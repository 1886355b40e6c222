/** How each example runs as a program. */

/** @param ports the variables that choose its ports */
export function run (main: () => Promise<void>, ports = 'PORT'): void {
  main().catch((error) => {
    const cure = `stop the program that listens there, or choose another one by ${ports}`
    console.error(error.code === 'EADDRINUSE' ? `Port ${error.port} is in use: ${cure}.` : error)
    process.exitCode = 1
  })
}
