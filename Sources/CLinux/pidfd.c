#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PIDFS_MAGIC
#define PIDFS_MAGIC 0x50494446
#endif

int clinux_pidfd_open(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int clinux_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

uint64_t clinux_pidfd_inode(int pidfd) {
    struct statfs filesystem;
    struct stat info;
    // Before pidfs all pidfds shared one anonymous inode.
    if (fstatfs(pidfd, &filesystem) != 0 || (uint32_t)filesystem.f_type != PIDFS_MAGIC) return 0;
    return fstat(pidfd, &info) == 0 ? (uint64_t)info.st_ino : 0;
}

int clinux_reap(int pidfd, struct clinux_end *end) {
    siginfo_t info;
    info.si_pid = 0;
    int result;
    do {
        result = waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | __WALL);
    } while (result != 0 && errno == EINTR);
    if (result != 0) return -1;
    if (info.si_pid == 0) return 0;
    end->code = info.si_code;
    end->status = info.si_status;
    return 1;
}

pid_t clinux_next_ended(void) {
    siginfo_t info;
    info.si_pid = 0;
    int result;
    do {
        result = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? info.si_pid : -1;
}

pid_t clinux_reap_child(pid_t pid, int *status) {
    pid_t reaped;
    do {
        reaped = waitpid(pid, status, WNOHANG | __WALL);
    } while (reaped < 0 && errno == EINTR);
    return reaped;
}
