/* What a request of the push exporter is, and why samples may not arrive: words that its parts
 * share. Documents: the remote write specifications 1.0 and 2.0 of prometheus.io, OTLP 1. */
#ifndef WEIR_EXPORTERS_PUSH_FORMAT_H
#define WEIR_EXPORTERS_PUSH_FORMAT_H

/* The message in a request's body. The numbers stand in queue files: none may change its own. */
enum push_format {
    PUSH_REMOTE_WRITE = 1,   /* prometheus.WriteRequest */
    PUSH_REMOTE_WRITE_2 = 2, /* io.prometheus.write.v2.Request */
    PUSH_OTLP = 3,           /* opentelemetry ExportMetricsServiceRequest */
};

/* How the body is coded on the wire and in the queue. The numbers stand in queue files. */
enum push_coding {
    PUSH_PLAIN = 0,
    PUSH_SNAPPY = 1, /* one block, not the framed format */
    PUSH_GZIP = 2,
};

/* Why samples were given up. */
enum push_drop {
    PUSH_DROP_BYTES,   /* queue_bytes: the oldest, past the cap in bytes */
    PUSH_DROP_AGE,     /* queue_age: the oldest, past the cap in age */
    PUSH_DROP_DISK,    /* queue_disk: the disk took nothing and the memory in its place was full */
    PUSH_DROP_STUCK,   /* queue_stuck: the disk had not answered since the round before */
    PUSH_DROP_TORN,    /* torn: a record without its end, as a power cut leaves it */
    PUSH_DROP_CORRUPT, /* corrupt: a record that does not match its checksum */
    PUSH_DROP_REFUSED, /* refused: the receiver can never take it (400, 404, ...) */
    PUSH_DROP_OUT_OF_ORDER, /* out_of_order: the receiver has a newer sample, and not of this one */
    PUSH_DROP_TOO_OLD,      /* too_old: older than the receiver takes */
    PUSH_DROP_TOO_LARGE,    /* too_large: 413 for a single series */
    PUSH_DROP_PARTIAL,      /* partial: left out by a receiver that took the rest */
    PUSH_DROP_FORMAT,       /* format: queued for another protocol than the destination now has */
    PUSH_DROP_ENCODING,     /* encoding: the round could not be made into requests */
    PUSH_DROP_STOPPED,      /* stopped: in memory alone when weir ended */
    PUSH_DROPS,
};

/* The word for the label `reason`, e.g. "queue_bytes". */
const char *push_drop_name(enum push_drop reason);
/* As --push.protocol has it: "remote-write", "remote-write-2", "otlp". */
const char *push_format_name(enum push_format format);

#endif
