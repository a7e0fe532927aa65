import { createServer } from 'node:http'
import { answerBody } from './nginx.ts'

// Where nginx is not installed: the same answer from node:http.
const [port = ''] = process.argv.slice(2)
const headers = ['Content-Type', 'application/json', 'Content-Length', String(answerBody.length)]

const server = createServer({ keepAliveTimeout: 300_000 }, (_request, response) => {
  response.writeHead(200, headers).end(answerBody)
})
server.listen(Number(port), '127.0.0.1')
