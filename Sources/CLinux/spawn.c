#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

int clinux_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int clinux_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int clinux_signal_descriptor(const int *signals, size_t count) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++) sigaddset(&set, signals[i]);
    if (sigprocmask(SIG_SETMASK, &set, NULL) != 0) return -1;
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int clinux_next_signal(int descriptor) {
    struct signalfd_siginfo info;
    ssize_t got;
    do {
        got = read(descriptor, &info, sizeof info);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}

static int add_descriptors(posix_spawn_file_actions_t *actions, int *copies, size_t count) {
    int error = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDWR, 0);
    if (error == 0) error = posix_spawn_file_actions_adddup2(actions, 0, 1);
    for (size_t i = 0; error == 0 && i < count; i++) {
        error = posix_spawn_file_actions_adddup2(actions, copies[i], 2 + (int)i);
    }
    if (error == 0) error = posix_spawn_file_actions_addclosefrom_np(actions, 2 + (int)count);
    return error;
}

static int set_attributes(posix_spawnattr_t *attributes) {
    sigset_t all;
    sigfillset(&all);
    int error = posix_spawnattr_setflags(
        attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    if (error == 0) error = posix_spawnattr_setsigdefault(attributes, &all);
    // A signal that arrives before the shim listens for it waits, rather than ends it.
    if (error == 0) error = posix_spawnattr_setsigmask(attributes, &all);
    return error;
}

static int spawn(
    const char *path, char *const arguments[], char *const environment[], int *copies, size_t count, pid_t *pid) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) return error;
    error = posix_spawnattr_init(&attributes);
    if (error == 0) {
        error = add_descriptors(&actions, copies, count);
        if (error == 0) error = set_attributes(&attributes);
        if (error == 0) error = posix_spawn(pid, path, &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

int clinux_spawn_shim(
    const char *path, char *const arguments[], char *const environment[], int error_descriptor, const int *descriptors,
    size_t count, pid_t *pid) {
    int *copies = malloc((count + 1) * sizeof *copies);
    if (copies == NULL) return ENOMEM;
    int error = 0;
    size_t made = 0;
    for (; made <= count; made++) {
        // Above every number that they are to get: no copy is overwritten before it has been used.
        int source = made == 0 ? error_descriptor : descriptors[made - 1];
        copies[made] = fcntl(source, F_DUPFD_CLOEXEC, (int)count + 3);
        if (copies[made] < 0) {
            error = errno;
            break;
        }
    }
    if (error == 0) error = spawn(path, arguments, environment, copies, made, pid);
    for (size_t i = 0; i < made; i++) close(copies[i]);
    free(copies);
    return error;
}
