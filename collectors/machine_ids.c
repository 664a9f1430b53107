/* What it knows: where a host says who it is, and where its root is when weir runs in a container.
 * Documents: machine-id(5); Documentation/ABI/testing/sysfs-firmware-dmi-entries, product_uuid;
 * random(4), boot_id; Linux on Power Architecture Reference, properties of the root node. */
#include "collectors/machine_internal.h"

#include "base/text.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

const char *machine_host_root(const char *mount)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/proc", mount);
    return access(path, F_OK) == 0 ? mount : "";
}

/* The id in that file, kept with the facts; NULL where it holds none. */
static const char *read_id(struct machine *m, const char *top, const char *name)
{
    const char *text = machine_text(m, "%s/%s", top, name);
    return text && machine_is_word(text) ? arena_string(&m->facts.arena, text) : NULL;
}

/* An image may bring an empty file, and a first boot a word in its place: those are no ids. */
static const char *read_machine_id(struct machine *m)
{
    static const char *const names[] = {"etc/machine-id", "var/lib/dbus/machine-id"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *id = read_id(m, m->options.root, names[i]);
        if (id && !text_equal(id, "uninitialized"))
            return id;
    }
    return NULL;
}

/* A mainframe has no id of its own; cAdvisor gives its machine-id there. */
static const char *read_system_uuid(struct machine *m)
{
    const char *id = read_id(m, m->options.sysfs, "class/dmi/id/product_uuid");
    if (!id)
        id = read_id(m, m->options.procfs, "device-tree/system-id");
    if (!id)
        id = read_id(m, m->options.procfs, "device-tree/vm,uuid");
    if (!id && m->mainframe)
        id = m->machine_id;
    return id;
}

void machine_read_ids(struct machine *m)
{
    const char *boot_id = read_id(m, m->options.procfs, "sys/kernel/random/boot_id");
    const char *machine_id = read_machine_id(m);
    m->boot_id = boot_id ? boot_id : "";
    m->machine_id = machine_id ? machine_id : "";
    const char *system_uuid = read_system_uuid(m);
    m->system_uuid = system_uuid ? system_uuid : "";
}
