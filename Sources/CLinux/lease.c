#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stddef.h>
#include <sys/statfs.h>

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
#define ZFS_SUPER_MAGIC 0x2FC12FC1

/// Whether a refusal of a lease means what it says. Over a network it may only mean that the server was not asked.
static bool tells_of_writers(int file) {
    static const uint32_t local[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC,
                                     OVERLAYFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, ZFS_SUPER_MAGIC};
    struct statfs filesystem;
    if (fstatfs(file, &filesystem) != 0) return false;
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
        if ((uint32_t)filesystem.f_type == local[i]) return true;
    return false;
}

int clinux_lease_for_reading(int file) {
    // Who opens it for writing makes the kernel send a signal: one that is ignored by default, since the usual one would
    // end the program.
    if (!tells_of_writers(file) || fcntl(file, F_SETSIG, SIGURG) != 0) return -1;
    if (fcntl(file, F_SETLEASE, F_RDLCK) == 0) return 1;
    return errno == EAGAIN ? 0 : -1;
}

void clinux_give_back_lease(int file) { fcntl(file, F_SETLEASE, F_UNLCK); }
