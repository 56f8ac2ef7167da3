//! Finds the C library's definition of a function that this crate overrides.

use std::ffi::c_char;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Calls the next definition of a function with its caller's arguments. Evaluates to the given
/// default if there is none.
macro_rules! next {
    ($name:literal($($argument:ident: $type:ty),*) -> $answer:ty, or $none:expr) => {{
        static REAL: $crate::clock::libc::next::Next = $crate::clock::libc::next::Next::new($name);
        type Function = unsafe extern "C" fn($($type),*) -> $answer;
        match REAL.address() {
            0 => $none,
            // SAFETY: the address is that of the C library's function of this
            // name and type; the arguments are the caller's.
            real => unsafe { std::mem::transmute::<usize, Function>(real)($($argument),*) },
        }
    }};
}

pub(super) use next;

/// The next definition of a symbol after this crate's, looked up once.
pub(in crate::clock) struct Next {
    name: &'static std::ffi::CStr,
    address: AtomicUsize,
}

impl Next {
    pub const fn new(name: &'static std::ffi::CStr) -> Next {
        Next { name, address: AtomicUsize::new(0) }
    }

    pub fn address(&self) -> usize {
        let known = self.address.load(Ordering::Relaxed);
        if known != 0 {
            return known;
        }
        // SAFETY: the name is a C string, and dlsym may be called anywhere.
        let found = unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr() as *const c_char) } as usize;
        self.address.store(found, Ordering::Relaxed);
        found
    }
}
