//! Ties a child's life to this process, whatever ends it.

use std::process::Command;

use nix::sys::signal::Signal;

/// Makes the kernel send `signal` to the child when the thread that spawns it ends. The standard library runs this after it
/// has changed the user, and a change of user would clear the setting. Elsewhere than on Linux a killed parent leaves its
/// children.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "the only way to run a system call between fork and exec"
)]
pub(crate) fn with_parent(command: &mut Command, signal: Signal) {
    use std::os::unix::process::CommandExt;

    let parent = nix::unistd::getpid();
    // SAFETY: the closure makes two system calls that are safe after a fork (prctl, getppid) and does not allocate.
    unsafe {
        command.pre_exec(move || {
            nix::sys::prctl::set_pdeathsig(signal)?;
            if nix::unistd::getppid() == parent {
                Ok(())
            } else {
                // The parent ended between fork and prctl, so that no signal will come.
                Err(std::io::Error::from(nix::errno::Errno::ESRCH))
            }
        });
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn with_parent(_: &mut Command, _: Signal) {}
