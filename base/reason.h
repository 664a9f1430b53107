/* Why a value is missing or a read failed: the words of weir_container_absent and
 * weir_collector_errors_total. */
#ifndef WEIR_BASE_REASON_H
#define WEIR_BASE_REASON_H

/* Columns: id, name in labels, whether it is an error (counted, logged once) or a property of the
 * container. */
#define REASON_LIST(R)                             \
    R(NONE, "", 0)                                 \
    R(NO_SOCKET, "no_socket", 1)                   \
    R(PERMISSION_DENIED, "permission_denied", 1)   \
    R(CONNECTION_REFUSED, "connection_refused", 1) \
    R(CONNECTION_FAILED, "connection_failed", 1)   \
    R(TLS, "tls", 1)                               \
    R(TIMEOUT, "timeout", 1)                       \
    R(API_VERSION, "api_version", 1)               \
    R(HTTP_STATUS, "http_status", 1)               \
    R(MALFORMED, "malformed", 1)                   \
    R(TOO_LARGE, "too_large", 1)                   \
    R(ENDED_EARLY, "ended_early", 1)               \
    R(EMPTY_ANSWER, "empty_answer", 1)             \
    R(SAME_ENGINE, "same_engine", 1)               \
    R(EVENTS_LOST, "events_lost", 1)               \
    R(TOO_MANY, "too_many", 1)                     \
    R(STUCK, "stuck", 1)                           \
    R(NO_HIERARCHY, "no_hierarchy", 1)             \
    R(STATE_FILE, "state_file", 1)                 \
    R(DUPLICATE_ID, "duplicate_id", 1)             \
    R(OUT_OF_RANGE, "out_of_range", 0)             \
    R(GONE, "gone", 0)                             \
    R(NOT_GIVEN, "not_given", 0)                   \
    R(ACCOUNTING_OFF, "accounting_off", 0)         \
    R(HOST_NETWORK, "host_network", 0)             \
    R(NO_NETWORK, "no_network", 0)                 \
    R(SHARED_NETWORK, "shared_network", 0)         \
    R(NO_CONTROLLER, "no_controller", 0)           \
    R(NO_PRESSURE, "no_pressure", 0)               \
    R(NO_PROCESS, "no_process", 0)

#define REASON_ENUM(id, name, error) REASON_##id,
enum reason { REASON_LIST(REASON_ENUM) REASON_COUNT };

/* The word used in labels and logs; "" for REASON_NONE. */
const char *reason_name(enum reason reason);
/* Is it a failure that is counted and logged, or just how the container is? */
int reason_is_error(enum reason reason);

#endif
