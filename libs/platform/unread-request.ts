import { HttpException } from '@nestjs/common';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { problemOf } from './problem.filter.js';

const BAD_REQUEST = 400;

/** Answers a request that no route is found for, because its address can't be read: such errors never come to the filter of the app. */
export function answerUnread(error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
  const problem = problemOf(new HttpException(error.message, error.statusCode ?? BAD_REQUEST));
  void reply
    .status(problem.status)
    .header('content-type', 'application/problem+json')
    .send(JSON.stringify(problem));
}
