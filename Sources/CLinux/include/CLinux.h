/// The few system calls that Swift cannot spell. Nothing here decides anything; every call reports `errno`.
#ifndef CLINUX_H
#define CLINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

// Processes by descriptor (pidfd.c)

/// A descriptor that stands for process `pid`, close-on-exec; -1 and `errno` where there is none.
int clinux_pidfd_open(pid_t pid);

/// Sends `signal` to the process that `pidfd` stands for, whoever has its pid now; -1 and `errno` on failure.
int clinux_pidfd_send_signal(int pidfd, int signal);

/// The inode of a pidfd, unique for one boot; 0 where the kernel has no pidfs (before 6.9).
uint64_t clinux_pidfd_inode(int pidfd);

/// How a child ended: `CLD_EXITED`, `CLD_KILLED` or `CLD_DUMPED`, and its code or signal.
struct clinux_end {
    int code;
    int status;
};

/// Reaps the child that `pidfd` stands for. 1: reaped, `end` is set. 0: it still runs. -1: `errno`, `ECHILD` where it
/// is no child of ours. Never blocks.
int clinux_reap(int pidfd, struct clinux_end *end);

/// The pid of a child that has ended and waits to be reaped, whatever signal it was to announce its end with; 0 where
/// none has ended yet; -1 and `errno`, `ECHILD` where there is no child at all. Never blocks, reaps nothing.
pid_t clinux_next_ended(void);

/// Reaps a child that has ended, and writes its wait status. Its pid, or -1 and `errno`. Never blocks.
pid_t clinux_reap_child(pid_t pid, int *status);

// Starting processes (spawn.c)

/// Makes orphaned descendants children of the calling process; -1 and `errno` on failure.
int clinux_become_subreaper(void);

/// A close-on-exec file without a name, in memory; -1 and `errno` on failure.
int clinux_memory_file(const char *name);

/// A close-on-exec pipe, its read end first; -1 and `errno` on failure.
int clinux_pipe(int ends[2]);

/// A non-blocking, close-on-exec descriptor to read the `count` `signals` from, which are blocked; -1 and `errno`.
int clinux_signal_descriptor(const int *signals, size_t count);

/// The next signal waiting at a signal descriptor; 0 where there is none.
int clinux_next_signal(int descriptor);

/// Starts `path` in a session of its own, with default dispositions and every signal blocked. Its standard input and
/// output are /dev/null, its standard error is `error_descriptor`, `descriptors` become 3, 4, …; it gets no other.
/// Returns 0 and sets `pid`, or an errno. Blocks until the program is executed.
int clinux_spawn_shim(
    const char *path, char *const arguments[], char *const environment[], int error_descriptor, const int *descriptors,
    size_t count, pid_t *pid);

// Starting a model server (server.c)

/// The step that failed before the server's program ran.
enum clinux_step {
    clinux_step_process = 1,
    clinux_step_limits = 2,
    clinux_step_user = 3,
    clinux_step_directory = 4,
    clinux_step_descriptors = 5,
    clinux_step_execute = 6,
};

/// What a child writes to `clinux_server.report` when a step failed. Nothing and end of file: the program runs.
struct clinux_failure {
    int32_t step;
    int32_t error;
};

struct clinux_server {
    const char *executable;
    char *const *arguments;
    char *const *environment;
    const char *directory;
    int input;
    int output;
    /// The child does nothing before it has read one byte here, and ends at end of file.
    int go;
    int report;
    bool has_user;
    uid_t user;
    gid_t group;
    const gid_t *groups;
    size_t group_count;
    bool has_descriptor_limit;
    uint64_t soft_descriptor_limit;
    uint64_t hard_descriptor_limit;
    int oom_score_adj;
};

/// Forks the server: default dispositions, nothing blocked, a process group of its own, killed with its parent, no
/// descriptors but 0, 1 and 2. The caller is single-threaded. Returns the child's pid, or -1 and `errno`.
pid_t clinux_fork_server(const struct clinux_server *server);

// Files (lease.c)

/// Takes the kernel's lease for reading (`man 2 fcntl`) on an open file. 1: nobody has it open for writing, and whoever
/// opens it so now waits until the lease is given back. 0: somebody has. -1: the kernel does not tell, on this file system
/// or to this user. Never blocks.
int clinux_lease_for_reading(int file);

/// Gives the lease back. A closed descriptor alone would not, where a child has inherited it.
void clinux_give_back_lease(int file);

#endif
