//! The system's allocator, counting what is live.
//!
//! `unsafe` because every allocator is: each call is handed on with its caller's
//! arguments, under its caller's promises.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering};

pub struct Counting {
    live: AtomicI64,
}

impl Counting {
    pub const fn new() -> Counting {
        Counting { live: AtomicI64::new(0) }
    }

    /// How many bytes have been taken and not been given back.
    pub fn live(&self) -> i64 {
        self.live.load(Ordering::SeqCst)
    }

    fn count(&self, bytes: usize, sign: i64) {
        self.live.fetch_add(sign * i64::try_from(bytes).unwrap_or(i64::MAX), Ordering::SeqCst);
    }
}

// SAFETY: everything is the system's allocator's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size(), 1);
        // SAFETY: the caller's promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.count(layout.size(), -1);
        // SAFETY: the caller's promises.
        unsafe { System.dealloc(block, layout) }
    }
}
