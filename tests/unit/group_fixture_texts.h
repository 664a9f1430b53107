/* What kernels write into the files of one container: no two numbers are alike, so that a value
 * taken from a wrong file or key is seen. Documents: the kernel's cgroup-v1/ and cgroup-v2.rst. */
#ifndef WEIR_TESTS_UNIT_GROUP_FIXTURE_TEXTS_H
#define WEIR_TESTS_UNIT_GROUP_FIXTURE_TEXTS_H

struct group_text {
    const char *controller;
    const char *name;
    const char *text;
};

#define MEMORY_STAT_1                                                                         \
    "cache 11000000\nrss 12000000\nrss_huge 0\nshmem 13000\nmapped_file 14000\ndirty 15000\n" \
    "writeback 16000\nswap 17000\npgpgin 18000\npgpgout 19000\npgfault 20011\n"               \
    "pgmajfault 21\ninactive_anon 22000\nactive_anon 23000\ninactive_file 24000\n"            \
    "active_file 25000\nunevictable 0\nhierarchical_memory_limit 536870912\n"                 \
    "hierarchical_memsw_limit 1073741824\ntotal_cache 31001600\ntotal_rss 41943040\n"         \
    "total_rss_huge 2097152\ntotal_shmem 34000\ntotal_mapped_file 35000320\n"                 \
    "total_dirty 36864\ntotal_writeback 40960\ntotal_swap 38912000\ntotal_pgpgin 39000\n"     \
    "total_pgpgout 40000\ntotal_pgfault 41011\ntotal_pgmajfault 42\n"                         \
    "total_inactive_anon 43000\ntotal_active_anon 44000\ntotal_inactive_file 4500480\n"       \
    "total_active_file 46001600\ntotal_unevictable 0\n"
#define BLOCK_BYTES_1                                                                  \
    "8:0 Read 1001\n8:0 Write 1002\n8:0 Sync 1003\n8:0 Async 1004\n8:0 Discard 1005\n" \
    "8:0 Total 3008\nTotal 3008\n"
#define BLOCK_COUNTS_1                                                                           \
    "8:0 Read 11\n8:0 Write 12\n8:0 Sync 13\n8:0 Async 14\n8:0 Discard 15\n8:0 Total 38\nTotal " \
    "38\n"
#define PSI(some, full)                                  \
    "some avg10=1.10 avg60=0.20 avg300=0.03 total=" some \
    "\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=" full "\n"

static const struct group_text texts_1[] = {
    {"cpuacct", "cpuacct.usage", "698890123456\n"},
    {"cpuacct", "cpuacct.stat", "user 65432\nsystem 1234\n"},
    {"cpu", "cpu.stat",
     "nr_periods 9930\nnr_throttled 9921\nthrottled_time 887766554433\nnr_bursts 7\n"
     "burst_time 1234567\n"},
    {"cpu", "cpu.cfs_quota_us", "10000\n"},
    {"cpu", "cpu.cfs_period_us", "50000\n"},
    {"cpu", "cpu.shares", "512\n"},
    {"memory", "memory.usage_in_bytes", "104857600\n"},
    {"memory", "memory.stat", MEMORY_STAT_1},
    {"memory", "memory.max_usage_in_bytes", "209715200\n"},
    {"memory", "memory.failcnt", "77\n"},
    {"memory", "memory.kmem.usage_in_bytes", "3670016\n"},
    {"memory", "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"},
    {"memory", "memory.limit_in_bytes", "536870912\n"},
    {"memory", "memory.memsw.limit_in_bytes", "1073741824\n"},
    {"memory", "memory.soft_limit_in_bytes", "268435456\n"},
    {"blkio", "blkio.throttle.io_service_bytes_recursive", BLOCK_BYTES_1},
    {"blkio", "blkio.throttle.io_serviced_recursive", BLOCK_COUNTS_1},
    {"pids", "pids.current", "12\n"},
    {"pids", "pids.max", "100\n"},
    {"pids", "pids.events", "max 4\n"},
    {"freezer", "freezer.state", "THAWED\n"},
};

/* Without cpu.stat's lines of the controller: those of a hybrid host's v2 tree. */
static const struct group_text texts_every_2[] = {
    {"unified", "cgroup.events", "populated 1\nfrozen 0\n"},
    {"unified", "cpu.pressure", PSI("5001", "5002")},
    {"unified", "memory.pressure", PSI("5003", "5004")},
    {"unified", "io.pressure", PSI("5005", "5006")},
};

static const struct group_text texts_2[] = {
    {"unified", "cpu.stat",
     "usage_usec 698890123\nuser_usec 654320000\nsystem_usec 44570123\nnice_usec 5\n"
     "core_sched.force_idle_usec 0\nnr_periods 9930\nnr_throttled 9921\n"
     "throttled_usec 887766554\nnr_bursts 7\nburst_usec 1234\n"},
    {"unified", "cpu.max", "10000 50000\n"},
    {"unified", "cpu.weight", "79\n"},
    {"unified", "memory.current", "104857600\n"},
    {"unified", "memory.stat",
     "anon 41943040\nfile 31001600\nkernel 3670016\nkernel_stack 98304\npagetables 102400\n"
     "sec_pagetables 0\npercpu 1440\nsock 4096\nvmalloc 0\nshmem 34000\nzswap 0\nzswapped 0\n"
     "file_mapped 35000320\nfile_dirty 36864\nfile_writeback 40960\nswapcached 1000\n"
     "anon_thp 2097152\nfile_thp 0\nshmem_thp 0\ninactive_anon 43000\nactive_anon 44000\n"
     "inactive_file 4500480\nactive_file 46001600\nunevictable 0\nslab_reclaimable 5000\n"
     "slab_unreclaimable 6000\nslab 11000\nworkingset_refault_anon 61\n"
     "workingset_refault_file 62\nworkingset_activate_anon 63\nworkingset_activate_file 64\n"
     "workingset_restore_anon 65\nworkingset_restore_file 66\nworkingset_nodereclaim 0\n"
     "pgdemote_kswapd 0\npgscan 67\npgsteal 68\npgscan_kswapd 69\npgscan_direct 70\n"
     "pgsteal_kswapd 71\npgsteal_direct 72\npgfault 41011\npgmajfault 42\npgrefill 73\n"
     "pgactivate 74\npgdeactivate 75\npglazyfree 0\npglazyfreed 0\nthp_fault_alloc 1\n"},
    {"unified", "memory.peak", "209715200\n"},
    {"unified", "memory.events",
     "low 81\nhigh 82\nmax 83\noom 84\noom_kill 85\noom_group_kill 86\n"},
    {"unified", "memory.swap.current", "38912000\n"},
    {"unified", "memory.swap.events", "high 91\nmax 92\nfail 93\n"},
    {"unified", "memory.max", "536870912\n"},
    {"unified", "memory.swap.max", "1073741824\n"},
    {"unified", "memory.low", "268435456\n"},
    {"unified", "io.stat",
     "8:0 rbytes=1001 wbytes=1002 rios=11 wios=12 dbytes=1005 dios=15 cost.vrate=100.00 "
     "cost.usage=1101 cost.wait=1102 cost.indebt=1103 cost.indelay=1104\n"},
    {"unified", "pids.current", "12\n"},
    {"unified", "pids.max", "100\n"},
    {"unified", "pids.events", "max 4\n"},
};

#define NET_HEADING                                                                  \
    "Inter-|   Receive                                                |  Transmit\n" \
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    "    \
    "packets errs drop fifo colls carrier compressed\n"
#define NET_LO "    lo: 5 5 0 0 0 0 0 0 5 5 0 0 0 0 0 0\n"

#define MEMINFO                                                                            \
    "MemTotal:       8000000 kB\nMemFree:        1000000 kB\nMemAvailable:   5000000 kB\n" \
    "Buffers:          20000 kB\nCached:         2000000 kB\nSwapCached:         300 kB\n" \
    "Active:          900000 kB\nInactive:        800000 kB\nActive(anon):      1092 kB\n" \
    "Inactive(anon):  270000 kB\nActive(file):    700000 kB\nInactive(file):  600000 kB\n" \
    "Unevictable:          0 kB\nMlocked:              0 kB\nSwapTotal:       500000 kB\n" \
    "SwapFree:        400000 kB\nZswap:                0 kB\nDirty:              120 kB\n" \
    "Writeback:           40 kB\nAnonPages:       290000 kB\nMapped:          130000 kB\n" \
    "Shmem:            12000 kB\nHugePages_Total:       0\nHugepagesize:       2048 kB\n"

#endif
