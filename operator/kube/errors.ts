import { VcsPkiError } from '../../src/errors.ts';

/** The parts of a metav1.Status that are used here. */
interface Status {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: {
    readonly name?: string;
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly { readonly field?: string; readonly reason?: string }[];
  };
}

export interface Refusal {
  /** The object or collection that the request was about. */
  readonly at: string;
  readonly action: string;
  readonly status: number;
  /** The body of the answer. */
  readonly body: string;
  /** The Retry-After header. */
  readonly retryAfter?: string | undefined;
  /** The request carried a Secret: what the server says about it may contain parts of it, so it is not repeated (I1). */
  readonly confidential?: boolean;
}

const INSTALL =
  'install the custom resource definitions of this version of vcs-pki (kubectl apply -f operator/deploy/crds), on a server of Kubernetes 1.32 or later';

/** A request that the API server refused or never answered. Its message never contains an object. */
export class KubeApiError extends VcsPkiError {
  /** HTTP status code; undefined when no answer came. */
  readonly status: number | undefined;
  /** metav1.Status reason, such as NotFound, AlreadyExists, Conflict, Expired. */
  readonly reason: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  /** The name of the object that the server does not have, where that is why it refused. */
  readonly missing: string | undefined;
  /** The definitions, or the server, are of a version before: trying again helps only once somebody has installed others. */
  readonly outdated: boolean;

  private constructor(
    code: 'KUBE_REFUSED' | 'KUBE_UNREACHABLE',
    details: ConstructorParameters<typeof VcsPkiError>[1],
    answer: {
      status?: number;
      reason?: string | undefined;
      retryAfterSeconds?: number | undefined;
      missing?: string;
      outdated?: boolean;
    } = {},
  ) {
    super(code, details);
    this.name = 'KubeApiError';
    this.status = answer.status;
    this.reason = answer.reason;
    this.retryAfterSeconds = answer.retryAfterSeconds;
    this.missing = answer.missing;
    this.outdated = answer.outdated ?? false;
  }

  static refused(refusal: Refusal): KubeApiError {
    const status = parseStatus(refusal.body);
    const missing = status.reason === 'NotFound' ? status.details?.name : undefined;
    const outdated = status.message?.includes('field not declared in schema') ?? false;
    return new KubeApiError(
      'KUBE_REFUSED',
      {
        at: refusal.at,
        message: `the API server refused to ${refusal.action} it: ${inWords(refusal, status)}`,
        fix: outdated ? INSTALL : fixFor(refusal.status),
      },
      {
        outdated,
        status: refusal.status,
        reason: status.reason,
        retryAfterSeconds: seconds(refusal.retryAfter) ?? status.details?.retryAfterSeconds,
        ...(missing === undefined ? {} : { missing }),
      },
    );
  }

  /** Records cannot be asked for by their fields. */
  static unselectable(refusal: KubeApiError): KubeApiError {
    return new KubeApiError(
      'KUBE_REFUSED',
      {
        at: refusal.at,
        message: 'the API server cannot list IssuedCertificates by their fields',
        fix: INSTALL,
        cause: refusal,
      },
      { ...(refusal.status !== undefined && { status: refusal.status }), reason: refusal.reason, outdated: true },
    );
  }

  static unreachable(at: string, message: string, cause?: unknown): KubeApiError {
    return new KubeApiError('KUBE_UNREACHABLE', {
      at,
      message,
      fix: 'check that the API server is running and that its address in the kubeconfig is right; the operator goes on trying',
      cause,
    });
  }
}

/** True for a refusal of the API server with one of these reasons of metav1.Status. */
export function hasReason(error: unknown, ...reasons: readonly string[]): boolean {
  return error instanceof KubeApiError && error.reason !== undefined && reasons.includes(error.reason);
}

function inWords({ status: code, confidential }: Refusal, status: Status): string {
  if (!status.reason) return `HTTP status ${code}`;
  const fields = (status.details?.causes ?? []).map(({ field, reason }) => `${field} (${reason})`).join(', ');
  const said = confidential ? fields : (status.message ?? '').slice(0, 1_000);
  return `${code} ${status.reason}${said === '' ? '' : `: ${said}`}`;
}

function fixFor(status: number): string {
  switch (status) {
    case 401:
      return 'renew the credentials in the kubeconfig, or the token of the service account';
    case 403:
      return 'allow it in the Role of the operator, if no admission policy or quota forbids it';
    case 404:
      return 'see that the namespace exists, and install the custom resource definitions of this version of vcs-pki';
    case 409:
      return 'somebody else changed it in the meantime; the operator looks at it again by itself';
    case 400:
    case 422:
      return 'install the custom resource definitions of this version of vcs-pki, and correct the fields named';
    default:
      return 'the operator tries again by itself; if it lasts, look at the health of the API server';
  }
}

function parseStatus(body: string): Status {
  try {
    const parsed: Status | null = JSON.parse(body);
    return typeof parsed === 'object' && parsed ? parsed : {};
  } catch {
    return {};
  }
}

/** Retry-After in seconds; its other form, a date, is not used by API servers. */
function seconds(retryAfter: string | undefined): number | undefined {
  return retryAfter !== undefined && /^\d+$/.test(retryAfter) ? Number(retryAfter) : undefined;
}
