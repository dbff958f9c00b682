// SPDX-License-Identifier: Apache-2.0
//! What goes wrong, and the fence that no panic crosses.

use crate::ffi::*;
use std::{
    cell::RefCell,
    panic::{catch_unwind, AssertUnwindSafe},
    sync::Once,
};

/// The answer of everything that can fail.
pub type Result<T> = core::result::Result<T, Failure>;

/// Why something failed: a sentence that the user sees behind the plugin's name, the call and the step.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    status: lethe_status,
    message: String,
    detail: i64,
}

impl Failure {
    /// A failure of your own: lower case, what and why.
    pub fn new(message: impl Into<String>) -> Self {
        Failure { status: E_INTERNAL, message: message.into(), detail: 0 }
    }

    /// A parameter whose value cannot be, by its place in the manifest.
    pub fn parameter(index: usize, message: impl Into<String>) -> Self {
        Failure { status: E_INVALID_ARGUMENT, message: message.into(), detail: index as i64 }
    }

    /// The run was asked to stop.
    pub fn cancelled() -> Self {
        Failure { status: E_CANCELLED, message: "the run was asked to stop".into(), detail: 0 }
    }

    /// What the user reads.
    pub fn message(&self) -> &str {
        &self.message
    }

    fn write(&self, error: *mut lethe_error) -> lethe_status {
        // The caller owns the struct; only what it says it has is written.
        unsafe {
            let size = core::mem::size_of::<lethe_error>() as u32;
            if !error.is_null() && (*error).size >= size {
                (*error).code = self.status;
                (*error).detail = self.detail;
                (*error).message_len = self.message.len() as u32;
                if !(*error).message.is_null() && (*error).message_cap > 0 {
                    let room = (*error).message_cap as usize - 1;
                    let mut count = self.message.len().min(room);
                    while !self.message.is_char_boundary(count) {
                        count -= 1;
                    }
                    core::ptr::copy_nonoverlapping(self.message.as_ptr(), (*error).message as *mut u8, count);
                    *(*error).message.add(count) = 0;
                }
            }
        }
        self.status
    }
}

impl core::fmt::Display for Failure {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Calls the host; a status that is not 0 becomes the failure that it describes.
pub(crate) fn ask(call: impl FnOnce(*mut lethe_error) -> lethe_status) -> Result<()> {
    let mut text = [0 as c_char; 1024];
    let mut error = lethe_error {
        size: core::mem::size_of::<lethe_error>() as u32,
        message_cap: text.len() as u32,
        message: text.as_mut_ptr(),
        ..lethe_error::ZERO
    };
    let status = call(&mut error);
    if status == OK {
        return Ok(());
    }
    let bytes: Vec<u8> = text.iter().take_while(|&&byte| byte != 0).map(|&byte| byte as u8).collect();
    let message = String::from_utf8_lossy(&bytes).into_owned();
    Err(Failure {
        status,
        message: if message.is_empty() { format!("the host answered with status {}", status) } else { message },
        detail: error.detail,
    })
}

/// A slot of a table that must be there.
pub(crate) fn offered<T>(slot: Option<T>, what: &str) -> Result<T> {
    slot.ok_or_else(|| Failure {
        status: E_UNIMPLEMENTED,
        message: format!("the host does not offer {}", what),
        detail: 0,
    })
}

thread_local! {
    /// Where the last panic of this thread was.
    static PLACE: RefCell<String> = RefCell::new(String::new());
}

/// Runs a callback's body. What it panics with becomes an error, and nothing is written to standard error.
pub(crate) fn fenced(error: *mut lethe_error, body: impl FnOnce() -> Result<()>) -> lethe_status {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().map(|place| format!(" at {}:{}", place.file(), place.line()));
            PLACE.with(|last| *last.borrow_mut() = place.unwrap_or_default());
        }))
    });
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => OK,
        Ok(Err(failure)) => failure.write(error),
        Err(panic) => {
            let what = panic
                .downcast_ref::<&str>()
                .map(|text| text.to_string())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "without a word".into());
            // A payload may panic when it is dropped.
            core::mem::forget(panic);
            let place = PLACE.with(|last| last.borrow().clone());
            Failure::new(format!("panicked{}: {}", place, what)).write(error)
        }
    }
}
