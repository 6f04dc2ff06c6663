//! What a panic said, and where.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// What a panic said, if there was one.
pub fn panic_of<R>(work: impl FnOnce() -> R) -> Option<String> {
    let payload = catch_unwind(AssertUnwindSafe(work)).err()?;
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    Some(text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap())
}

/// A place in a source file.
type Place = (String, u32);

thread_local!(static PLACE: RefCell<Option<Place>> = const { RefCell::new(None) });

/// Where a panic says that it was, if there was one.
pub fn place_of_panic<R>(work: impl FnOnce() -> R) -> Option<Place> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            PLACE.set(panic.location().map(|place| (place.file().to_owned(), place.line())));
            before(panic);
        }));
    });
    PLACE.take();
    catch_unwind(AssertUnwindSafe(work)).err()?;
    PLACE.take()
}

/// What is passed panics, and says that it was here. On one line.
#[macro_export]
macro_rules! panics_here {
    ($work:expr) => {
        let place = $crate::common::panics::place_of_panic(|| $work);
        assert_eq!(place, Some((file!().to_owned(), line!())));
    };
}
