// Between fork and exec only async-signal-safe calls are allowed: the child of a Swift program may not run Swift.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/// Where a kernel has no close_range (before 5.11), descriptors up to here are marked one by one. What this program
/// and its starter open is close-on-exec anyway.
static const int highest_marked_descriptor = 1024;

static void report(int descriptor, int step) {
    struct clinux_failure failure = {step, errno};
    ssize_t written;
    do {
        written = write(descriptor, &failure, sizeof failure);
    } while (written < 0 && errno == EINTR);
}

static bool await_go(int descriptor) {
    char byte;
    ssize_t got;
    do {
        got = read(descriptor, &byte, 1);
    } while (got < 0 && errno == EINTR);
    return got == 1;
}

static void reset_signals(void) {
    // Past the C library, which keeps two signals to itself and lets posix_spawn leave them ignored. All zero is the
    // kernel's own structure with SIG_DFL, no flags and an empty mask. KILL and STOP refuse, and need it least.
    unsigned long action[8] = {0};
    for (int signal = 1; signal < NSIG; signal++) syscall(SYS_rt_sigaction, signal, action, NULL, NSIG / 8);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void set_oom_score(int score) {
    char digits[12];
    size_t at = sizeof digits;
    for (int rest = score; at > 0 && (rest > 0 || at == sizeof digits); rest /= 10) digits[--at] = '0' + rest % 10;
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0) return;
    // Raising is always allowed. Where it is not raising, it was higher already.
    ssize_t ignored = write(file, digits + at, sizeof digits - at);
    (void)ignored;
    close(file);
}

static bool set_descriptor_limit(const struct clinux_server *server) {
    if (!server->has_descriptor_limit) return true;
    struct rlimit limit = {server->soft_descriptor_limit, server->hard_descriptor_limit};
    return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static bool set_user(const struct clinux_server *server) {
    if (!server->has_user) return true;
    return setgroups(server->group_count, server->groups) == 0 && setgid(server->group) == 0
        && setuid(server->user) == 0;
}

static bool set_descriptors(const struct clinux_server *server) {
    if (dup2(server->input, 0) < 0 || dup2(server->output, 1) < 0 || dup2(server->output, 2) < 0) return false;
    // Not closed: `report` is still needed, and exec closes it.
    if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
        for (int i = 3; i < highest_marked_descriptor; i++) fcntl(i, F_SETFD, FD_CLOEXEC);
    }
    return true;
}

static int run(const struct clinux_server *server, pid_t parent) {
    // A group of its own: a server that signals its whole group must not end its shim.
    if (setpgid(0, 0) != 0) return clinux_step_process;
    set_oom_score(server->oom_score_adj);
    if (!set_descriptor_limit(server)) return clinux_step_limits;
    if (!set_user(server)) return clinux_step_user;
    // A change of user clears it, so it comes after; and a parent that has ended before it is never noticed.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return clinux_step_process;
    if (getppid() != parent) _exit(127);
    if (chdir(server->directory) != 0) return clinux_step_directory;
    if (!set_descriptors(server)) return clinux_step_descriptors;
    reset_signals();
    execve(server->executable, server->arguments, server->environment);
    return clinux_step_execute;
}

pid_t clinux_fork_server(const struct clinux_server *server) {
    pid_t parent = getpid();
    pid_t child = fork();
    if (child != 0) return child;
    if (!await_go(server->go)) _exit(127);
    report(server->report, run(server, parent));
    _exit(127);
}
