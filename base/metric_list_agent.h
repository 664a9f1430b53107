/* Every metric that is of no container: of weir, its sources and the host. Columns as in
 * metric_list.h. */
#ifndef WEIR_BASE_METRIC_LIST_AGENT_H
#define WEIR_BASE_METRIC_LIST_AGENT_H

/* clang-format off: a table reads by its columns. */

/* About weir itself and its sources. */
#define METRIC_LIST_AGENT(M)                                                                       \
    M(BUILD_INFO, "weir_build_info", GAUGE, COUNT, AGENT, "version,revision,compiler", D,          \
      "1, with weir's version, source revision and compiler as labels.")                           \
    M(SIMULATED, "weir_simulated", GAUGE, COUNT, AGENT, "", D,                                     \
      "1 while the simulated tier runs: no series with simulated=\"true\" describes a real "       \
      "container.")                                                                                \
    M(ENGINE_UP, "weir_engine_up", GAUGE, COUNT, AGENT, "engine", D,                               \
      "1 if the engine answered what this round asked of it; if it was asked nothing, what it "    \
      "last was. Else 0.")                                                                         \
    M(ENGINE_INFO, "weir_engine_info", GAUGE, COUNT, AGENT,                                        \
      "engine,product,version,api_version,cgroup_version", D,                                      \
      "1, with what the engine said of itself as labels.")                                         \
    M(ENGINE_CONTAINERS, "weir_engine_containers", GAUGE, COUNT, ENGINE, "engine,state", D,        \
      "Containers the engine knows, by state.")                                                    \
    M(GROUP_INFO, "weir_cgroup_info", GAUGE, COUNT, AGENT, "mode", D,                              \
      "1, with how this host mounts its control groups: legacy (v1), hybrid, unified (v2).")       \
    M(GROUP_FILES, "weir_cgroup_kept_files", GAUGE, COUNT, AGENT, "", D,                           \
      "Kernel files kept open between rounds.")                                                    \
    M(ENGINE_EVENTS, "weir_engine_events_total", COUNTER, COUNT, ENGINE, "engine,type,action", D,  \
      "Events the engine told of that weir listens for, by kind of object and action.")            \
    M(ENGINE_IMAGES, "weir_engine_images", GAUGE, COUNT, ENGINE, "engine", D,                      \
      "Images the engine has.")                                                                    \
    M(ENGINE_IMAGES_DANGLING, "weir_engine_images_dangling", GAUGE, COUNT, ENGINE, "engine", D,    \
      "Images without a name.")                                                                    \
    M(ENGINE_VOLUMES, "weir_engine_volumes", GAUGE, COUNT, ENGINE, "engine", D,                    \
      "Volumes the engine has.")                                                                   \
    M(ENGINE_VOLUMES_UNUSED, "weir_engine_volumes_unused", GAUGE, COUNT, ENGINE, "engine", D,      \
      "Volumes no container uses.")                                                                \
    M(ENGINE_NETWORKS, "weir_engine_networks", GAUGE, COUNT, ENGINE, "engine", D,                  \
      "Networks the engine has.")                                                                  \
    M(ENGINE_DISK, "weir_engine_disk_usage_bytes", GAUGE, BYTES, ENGINE, "engine,type", D,         \
      "Disk space by kind, as the engine has counted it last: images, containers, "                \
      "volumes, build_cache. Only with engine.df-interval.")                                       \
    M(ENGINE_DISK_TIME, "weir_engine_disk_usage_timestamp_seconds", GAUGE, MS, ENGINE, "engine",   \
      D, "When it did, in seconds since 1970.")                                                    \
    M(DOCKER_UP, "docker_daemon_up", GAUGE, COUNT, DOCKER, "", D,                                  \
      "1 if every engine answers, else 0.")                                                        \
    M(DOCKER_CONTAINERS, "docker_containers_total", GAUGE, COUNT, DOCKER, "", D,                   \
      "Containers the engines know.")                                                              \
    M(DOCKER_RUNNING, "docker_containers_running", GAUGE, COUNT, DOCKER, "", D, "Those that run.") \
    M(DOCKER_IMAGES, "docker_images_total", GAUGE, COUNT, DOCKER, "", D,                           \
      "Images the engines have.")                                                                  \
    M(MACHINE_CORES, "machine_cpu_cores", GAUGE, COUNT, MACHINE, "boot_id,machine_id,system_uuid", \
      D, "CPUs of this host that are online.")                                                     \
    M(MACHINE_PHYSICAL_CORES, "machine_cpu_physical_cores", GAUGE, COUNT, MACHINE,                 \
      "boot_id,machine_id,system_uuid", D,                                                         \
      "Cores of this host, each counted once however many threads it runs; sysfs "                 \
      "cpu/topology.")                                                                             \
    M(MACHINE_SOCKETS, "machine_cpu_sockets", GAUGE, COUNT, MACHINE,                               \
      "boot_id,machine_id,system_uuid", D, "Processor packages of this host; sysfs cpu/topology.") \
    M(MACHINE_MEMORY, "machine_memory_bytes", GAUGE, BYTES, MACHINE,                               \
      "boot_id,machine_id,system_uuid", D, "Memory of this host; /proc/meminfo MemTotal.")         \
    M(MACHINE_SWAP, "machine_swap_bytes", GAUGE, BYTES, MACHINE, "boot_id,machine_id,system_uuid", \
      D, "Swap space of this host; /proc/meminfo SwapTotal.")                                      \
    M(MACHINE_DIMMS, "machine_dimm_count", GAUGE, COUNT, MACHINE,                                  \
      "boot_id,machine_id,system_uuid,type", D,                                                    \
      "Memory modules by kind; sysfs edac/mc. Only where the kernel knows them.")                  \
    M(MACHINE_DIMM_BYTES, "machine_dimm_capacity_bytes", GAUGE, BYTES, MACHINE,                    \
      "boot_id,machine_id,system_uuid,type", D, "Their size; sysfs edac/mc.")                      \
    M(MACHINE_CACHE, "machine_cpu_cache_capacity_bytes", GAUGE, BYTES, TOPOLOGY,                   \
      "boot_id,machine_id,system_uuid,core_id,level,node_id,type", D,                              \
      "Size of the caches, core_id empty for those that all cores of the node share; sysfs "       \
      "cpu/cache.")                                                                                \
    M(MACHINE_SIBLINGS, "machine_thread_siblings_count", GAUGE, COUNT, TOPOLOGY,                   \
      "boot_id,machine_id,system_uuid,core_id,node_id,thread_id", D,                               \
      "Threads of the core that a thread runs on; sysfs cpu/topology.")                            \
    M(MACHINE_NODE_MEMORY, "machine_node_memory_capacity_bytes", GAUGE, BYTES, TOPOLOGY,           \
      "boot_id,machine_id,system_uuid,node_id", D, "Memory of each node; sysfs node/meminfo.")     \
    M(MACHINE_NODE_HUGEPAGES, "machine_node_hugepages_count", GAUGE, COUNT, TOPOLOGY,              \
      "boot_id,machine_id,system_uuid,node_id,page_size", D,                                       \
      "Huge pages of each node, page_size in KiB; sysfs node/hugepages.")                          \
    M(MACHINE_NODE_DISTANCE, "machine_node_distance", GAUGE, COUNT, TOPOLOGY,                      \
      "boot_id,machine_id,system_uuid,node_id,target_node_id", D,                                  \
      "Distance between nodes; sysfs node/distance.")                                              \
    M(VERSION_INFO, "cadvisor_version_info", GAUGE, COUNT, AGENT,                                  \
      "kernelVersion,osVersion,dockerVersion,cadvisorVersion,cadvisorRevision", D,                 \
      "1, with kernel, operating system and engine as cAdvisor labels them, and weir's "           \
      "version and revision in the place of its own.")                                             \
    M(SCRAPE_ERROR, "container_scrape_error", GAUGE, COUNT, AGENT, "", D,                          \
      "1 if the containers could not all be found in this round, else 0.")                         \
    M(MACHINE_ERROR, "machine_scrape_error", GAUGE, COUNT, AGENT, "", D,                           \
      "1 if this host's CPUs and memory could not be read, else 0.")                               \
    M(ROUNDS, "weir_rounds_total", COUNTER, COUNT, AGENT, "", D,                                   \
      "Rounds of collection sealed so far, this one too.")                                         \
    M(ROUND_DURATION, "weir_round_duration_seconds", GAUGE, NS, AGENT, "", D,                      \
      "How long this round took from demand to seal.")                                             \
    M(SNAPSHOT_TIME, "weir_snapshot_timestamp_seconds", GAUGE, NS, AGENT, "", D,                   \
      "When this round was sealed, in seconds since 1970.")                                        \
    M(COLLECTOR_SUCCESS, "weir_collector_success", GAUGE, COUNT, AGENT, "collector", D,            \
      "1 if the collector read everything it should in this round, else 0.")                       \
    M(COLLECTOR_ERRORS, "weir_collector_errors_total", COUNTER, COUNT, AGENT, "collector,reason",  \
      D, "What went wrong while collecting, by reason.")                                           \
    M(LABELS_DROPPED, "weir_labels_dropped_total", COUNTER, COUNT, AGENT, "reason", D,             \
      "Container labels left out: collision (same name once sanitised; the first key in byte "     \
      "order wins), too_long.")                                                                    \
    M(CPU_OUT_OF_RANGE, "weir_cpu_percent_out_of_range_total", COUNTER, COUNT, AGENT, "", D,       \
      "CPU percentages not given because they were above what the host's CPUs can do.")            \
    M(LINGERING_DROPPED, "weir_lingering_dropped_total", COUNTER, COUNT, AGENT, "", D,             \
      "Containers that ended and whose container_last_seen was given up before "                   \
      "container.linger, because too many had.")                                                   \
    M(HTTP_REQUESTS, "weir_http_requests_total", COUNTER, COUNT, AGENT, "code", D,                 \
      "Requests answered, by status code.")                                                        \
    M(HTTP_REFUSED, "weir_http_refused_total", COUNTER, COUNT, AGENT, "reason", D,                 \
      "Connections turned away or cut off by a limit, by reason.")                                 \
    M(HTTP_CONNECTIONS, "weir_http_connections", GAUGE, COUNT, AGENT, "", D,                       \
      "Connections open now, the one of this scrape too.")                                         \
    M(HTTP_PINNED, "weir_http_pinned_bytes", GAUGE, BYTES, AGENT, "", D,                           \
      "Memory held for answers that their readers have not taken yet.")                            \
    M(CONFIG_WELL, "weir_config_last_reload_successful", GAUGE, COUNT, AGENT, "", D,               \
      "1 if the configuration could be used when it was last read, else 0.")                       \
    M(CONFIG_TIME, "weir_config_last_reload_success_timestamp_seconds", GAUGE, MS, AGENT, "", D,   \
      "When the configuration in force was read, in seconds since 1970.")                          \
    M(WEB_CONFIG_WELL, "weir_web_config_last_read_successful", GAUGE, COUNT, AGENT, "", D,         \
      "1 if the file of web.config.file could be used when it was last looked at, else 0.")        \
    M(PUSH_INFO, "weir_push_destination_info", GAUGE, COUNT, AGENT, "destination,protocol", D,     \
      "1, with the protocol in force, which may have fallen back to an older one.")                \
    M(PUSH_QUEUED, "weir_push_samples_queued_total", COUNTER, COUNT, AGENT, "destination", D,      \
      "Samples put into the queue of a destination, stale markers among them.")                    \
    M(PUSH_SENT, "weir_push_samples_sent_total", COUNTER, COUNT, AGENT, "destination", D,          \
      "Samples the receiver has taken.")                                                           \
    M(PUSH_RETRIED, "weir_push_samples_retried_total", COUNTER, COUNT, AGENT, "destination", D,    \
      "Samples sent once more, each time again.")                                                  \
    M(PUSH_DUPLICATE, "weir_push_samples_duplicate_total", COUNTER, COUNT, AGENT, "destination",   \
      D, "Samples the receiver had already, from an earlier try whose answer was lost.")           \
    M(PUSH_DROPPED, "weir_push_samples_dropped_total", COUNTER, COUNT, AGENT,                      \
      "destination,reason", D, "Samples given up, by reason.")                                     \
    M(PUSH_ROUNDS_DROPPED, "weir_push_rounds_dropped_total", COUNTER, COUNT, AGENT,                \
      "destination,reason", D,                                                                     \
      "Rounds given up whole, by reason; how many samples a damaged one had may not be "           \
      "known.")                                                                                    \
    M(PUSH_QUEUE_BYTES, "weir_push_queue_bytes", GAUGE, BYTES, AGENT, "destination", D,            \
      "Size of the queue's files, or of what waits in memory where it has none.")                  \
    M(PUSH_QUEUE_MAX, "weir_push_queue_max_bytes", GAUGE, BYTES, AGENT, "destination", D,          \
      "Size at which the oldest are dropped: queue.max-bytes.")                                    \
    M(PUSH_QUEUE_MEMORY, "weir_push_queue_memory_bytes", GAUGE, BYTES, AGENT, "destination", D,    \
      "What of it waits in memory, because the disk takes nothing or there is no directory.")      \
    M(PUSH_QUEUE_SAMPLES, "weir_push_queue_samples", GAUGE, COUNT, AGENT, "destination", D,        \
      "Samples that wait for an answer.")                                                          \
    M(PUSH_QUEUE_AGE, "weir_push_queue_oldest_age_seconds", GAUGE, MS, AGENT, "destination", D,    \
      "How old the oldest of them is; 0 while none waits.")                                        \
    M(PUSH_SUCCESS_TIME, "weir_push_last_success_timestamp_seconds", GAUGE, MS, AGENT,             \
      "destination", D, "When the receiver last took something, in seconds since 1970.")           \
    M(PUSH_RESPONSES, "weir_push_responses_total", COUNTER, COUNT, AGENT, "destination,code", D,   \
      "Requests by status code of the answer; none: no answer came.")                              \
    M(PUSH_DURATION, "weir_push_request_duration_seconds_total", COUNTER, NS, AGENT,               \
      "destination", D, "Time from the begin of a request to its answer, summed up.")              \
    M(PROCESS_CPU, "process_cpu_seconds_total", COUNTER, NS, AGENT, "", D,                         \
      "User and system CPU time weir has used; getrusage(2).")                                     \
    M(PROCESS_RESIDENT, "process_resident_memory_bytes", GAUGE, BYTES, AGENT, "", D,               \
      "Resident memory of weir; /proc/self/statm.")                                                \
    M(PROCESS_VIRTUAL, "process_virtual_memory_bytes", GAUGE, BYTES, AGENT, "", D,                 \
      "Virtual memory of weir; /proc/self/statm.")                                                 \
    M(PROCESS_FDS, "process_open_fds", GAUGE, COUNT, AGENT, "", D,                                 \
      "Descriptors weir has open; /proc/self/fd.")                                                 \
    M(PROCESS_MAX_FDS, "process_max_fds", GAUGE, COUNT, AGENT, "", D,                              \
      "Most descriptors weir may have; RLIMIT_NOFILE.")                                            \
    M(PROCESS_THREADS, "process_threads", GAUGE, COUNT, AGENT, "", D,                              \
      "Threads of weir; /proc/self/status.")                                                       \
    M(PROCESS_START, "process_start_time_seconds", GAUGE, MS, AGENT, "", D,                        \
      "When weir started, in seconds since 1970.")

#endif
