//! Two kindnesses to glibc's allocator, which make runs faster.

/// Takes a block of memory and gives it back at once, untouched.
fn touch_heap(block: usize) {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(block)));
}

/// Keeps glibc from giving the heap's pages back to the system after each turn
/// and taking them anew for the next: freeing a block that was mapped by itself
/// raises its threshold for that to twice the block (`mallopt(3)`, "dynamic mmap
/// threshold"), for the whole process. Measured: three tenths of a run of a
/// thousand activities in sequence.
pub(super) fn keep_pages() {
    // The threshold adjusts to blocks of at most 32 MiB.
    touch_heap(31 << 20);
}

/// Makes room at the end of this thread's heap. Glibc grows the heap of a thread
/// that is not the main one page by page, with a system call for each page; a
/// block that is taken and given back makes it grow by many. Measured: a tenth
/// of a run with a thousand instances.
pub(super) fn grow_heap() {
    touch_heap(1 << 20);
}
