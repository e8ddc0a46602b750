import 'reflect-metadata';
import { IsInt, IsNumber, IsOptional, IsString, Length, Matches, Max, MaxLength, Min } from 'class-validator';

// Web servers refuse header lines above 8 to 16 KB by default, so these bounds meet nothing that a server would
// have served; they keep a single field from filling the 256 KiB that an event may have.

/** A request target may be a whole header line. */
const MAX_TARGET_LENGTH = 16_384;
const MAX_HEADER_LENGTH = 8_192;
/** Ids and names: of a user, a session, a host (RFC 1035: 253), an address. */
const MAX_NAME_LENGTH = 256;
const MAX_TOKEN_LENGTH = 32;

/** One request that a web server answered: `web-request@1`. Optional fields may also be `null`, which means absent. */
export class WebRequest {
  /** As sent, e.g. `GET`; 1 to 32 characters. */
  @IsString()
  @Length(1, MAX_TOKEN_LENGTH)
  method!: string;

  /** As sent, not decoded, without the query; begins with `/`. */
  @IsString()
  @MaxLength(MAX_TARGET_LENGTH)
  @Matches(/^\//)
  path!: string;

  /** What followed the first `?`, without it. */
  @IsOptional()
  @IsString()
  @MaxLength(MAX_TARGET_LENGTH)
  query?: string | null;

  /** HTTP status of the answer, 100 to 599. */
  @IsInt()
  @Min(100)
  @Max(599)
  status!: number;

  /** Bytes of the answer, whole, >= 0. */
  @IsOptional()
  @IsInt()
  @Min(0)
  bytes?: number | null;

  /** How long the answer took, milliseconds, >= 0, may have a fraction. */
  @IsOptional()
  @IsNumber()
  @Min(0)
  durationMs?: number | null;

  @IsOptional()
  @IsString()
  @MaxLength(MAX_HEADER_LENGTH)
  userAgent?: string | null;

  @IsOptional()
  @IsString()
  @MaxLength(MAX_TARGET_LENGTH)
  referrer?: string | null;

  /** IPv4, IPv6 or a host name, as the log has it. */
  @IsOptional()
  @IsString()
  @MaxLength(MAX_NAME_LENGTH)
  clientIp?: string | null;

  @IsOptional()
  @IsString()
  @MaxLength(MAX_NAME_LENGTH)
  userId?: string | null;

  @IsOptional()
  @IsString()
  @MaxLength(MAX_NAME_LENGTH)
  sessionId?: string | null;

  /** The host that was asked for, without a port. */
  @IsOptional()
  @IsString()
  @MaxLength(MAX_NAME_LENGTH)
  host?: string | null;

  /** E.g. `HTTP/1.1`. */
  @IsOptional()
  @IsString()
  @MaxLength(MAX_TOKEN_LENGTH)
  protocol?: string | null;
}
