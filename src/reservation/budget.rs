//! How large a default reservation may be, now.
//!
//! Address space is shared with the rest of the process: thread stacks, `malloc`, mapped files. So all default
//! reservations together take at most an eighth of what the process may use. And so that the ten-thousandth
//! still gets something, they step down in tiers: the first tier may fill half of that share (a quarter for blocks, of
//! which programs have more), the second up to three quarters, and so on; the last tier may take what is left.
//!
//! ```text
//!  share of the address space:  |      64 GiB each      |  4 GiB each |1 GiB |64M|..|
//!                               0                      1/2           3/4    7/8     1
//! ```

use super::recycled;
use crate::error::{Cause, Operation, ReserveError};
use crate::os::{self, Pages};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes that default reservations hold.
static TAKEN: AtomicUsize = AtomicUsize::new(0);
/// What they may hold, when last asked; 0 before.
static SHARE: AtomicUsize = AtomicUsize::new(0);

/// Calls `reserve` with the size of the first tier that the budget has room for; if it fails, with the next.
pub(super) fn reserve_within<T>(
    tiers: &[usize],
    reserve: impl Fn(Pages) -> Result<T, ReserveError>,
) -> Result<T, ReserveError> {
    let smallest = tiers.last().copied().unwrap_or_default();
    let mut refused = beyond(smallest);
    for (tier, &bytes) in tiers.iter().enumerate() {
        let Some(size) = Pages::round_up(bytes) else { continue };
        match reserve_in_tier(Tier { index: tier, count: tiers.len(), first: 1 }, size, || reserve(size)) {
            Err(error) if error.is_beyond_budget() => {}
            Err(error) => refused = error,
            reserved => return reserved,
        }
    }
    Err(refused)
}

/// One of so many tiers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tier {
    pub(crate) index: usize,
    pub(crate) count: usize,
    /// The first may fill the share halved so often.
    pub(crate) first: u32,
}

/// Calls `reserve` with `size` on the account, if the tier has room for it, or has without the ranges that are kept for others.
pub(crate) fn reserve_in_tier<T>(
    tier: Tier,
    size: Pages,
    reserve: impl FnOnce() -> Result<T, ReserveError>,
) -> Result<T, ReserveError> {
    recycled::at_their_cost(|| take(tier, size))?;
    let reserved = reserve();
    if reserved.is_err() {
        give_back(size);
    }
    reserved
}

/// Takes `size` on the account.
fn take(tier: Tier, size: Pages) -> Result<(), ReserveError> {
    // Where there was no room, there is none now: no need to ask the system for its limits.
    let before = SHARE.load(Relaxed);
    if before != 0 && room(TAKEN.load(Relaxed), size, tier.ceiling(before)).is_none() {
        return Err(beyond(size.bytes()));
    }
    let share = share(os::address_space());
    SHARE.store(share, Relaxed);
    let ceiling = tier.ceiling(share);
    if TAKEN.fetch_update(Relaxed, Relaxed, |taken| room(taken, size, ceiling)).is_err() {
        return Err(beyond(size.bytes()));
    }
    Ok(())
}

/// Whether a default reservation could be larger than one of this size that is given back.
pub(super) fn has_room_beyond(tiers: &[usize], size: Pages) -> bool {
    let share = SHARE.load(Relaxed);
    let rest = TAKEN.load(Relaxed).saturating_sub(size.bytes());
    let mut larger = tiers.iter().enumerate().take_while(|&(_, &bytes)| bytes > size.bytes());
    larger.any(|(index, &bytes)| {
        let ceiling = Tier { index, count: tiers.len(), first: 1 }.ceiling(share);
        room(rest, Pages::round_down(bytes), ceiling).is_some()
    })
}

/// The sum, if it stays below the ceiling.
fn room(taken: usize, size: Pages, ceiling: usize) -> Option<usize> {
    taken.checked_add(size.bytes()).filter(|&sum| sum <= ceiling)
}

fn beyond(bytes: usize) -> ReserveError {
    ReserveError::new(Operation::Reserve, bytes, Cause::BeyondBudget)
}

/// What all default reservations together may take.
pub(crate) fn share(address_space: usize) -> usize {
    address_space / 8
}

pub(crate) fn give_back(size: Pages) {
    TAKEN.fetch_sub(size.bytes(), Relaxed);
}

impl Tier {
    /// Up to where it may fill the share: a part; all but a quarter, an eighth...; the last, all of it.
    fn ceiling(self, share: usize) -> usize {
        match self.index {
            index if index + 1 == self.count => share,
            0 => share >> self.first.min(usize::BITS - 1),
            index => share - (share >> (index + 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::faults::{INJECTED, alone};

    const ONLY: Tier = Tier { index: 0, count: 1, first: 1 };

    fn refused<T>(_: Pages) -> Result<T, ReserveError> {
        Err(ReserveError::new(Operation::Reserve, 1, Cause::Os(INJECTED)))
    }

    #[test]
    fn all_reservations_together_may_take_an_eighth() {
        assert_eq!(share(8 << 20), 1 << 20);
    }

    #[test]
    fn what_is_taken_counts_until_it_is_given_back() {
        alone("reservation::budget::tests::what_is_taken_counts_until_it_is_given_back", || {
            let size = Pages::round_up(1 << 20).unwrap();
            let taken = || TAKEN.load(Relaxed);
            assert_eq!(reserve_in_tier(ONLY, size, || Ok(7)), Ok(7));
            assert_eq!(taken(), size.bytes());
            assert!(reserve_in_tier(ONLY, size, || refused::<()>(size)).is_err());
            assert_eq!(taken(), size.bytes(), "what could not be reserved takes nothing");
            give_back(size);
            assert_eq!(taken(), 0);
        });
    }

    #[test]
    fn a_tier_has_room_beyond_a_size_if_it_had_without_it() {
        alone("reservation::budget::tests::a_tier_has_room_beyond_a_size_if_it_had_without_it", || {
            let size = |bytes| Pages::round_up(bytes).unwrap();
            let tiers = [8 << 20, 4 << 20, 1 << 20];
            SHARE.store(16 << 20, Relaxed);
            // The first may fill 8 MiB, the second 12, the third all.
            for taken in 0..=16 {
                TAKEN.store(taken << 20, Relaxed);
                for (index, bytes) in tiers.into_iter().enumerate() {
                    // What is given back is of the account.
                    if bytes <= taken << 20 {
                        let rest = (taken << 20) - bytes;
                        let fits = |tier: usize| rest + tiers[tier] <= [8 << 20, 12 << 20, 16 << 20][tier];
                        assert_eq!(
                            has_room_beyond(&tiers, size(bytes)),
                            (0..index).any(fits),
                            "{taken} {bytes}"
                        );
                    }
                }
                assert!(!has_room_beyond(&tiers, size(8 << 20)), "nothing is larger");
            }
        });
    }

    #[test]
    fn a_refusal_of_the_system_is_the_error_though_there_is_no_room_for_other_tiers() {
        let beyond_any_room = isize::MAX as usize;
        let error = reserve_within(&[1 << 20, beyond_any_room], refused::<()>).unwrap_err();
        assert_eq!(error.os_code(), Some(INJECTED));
        let error = reserve_within(&[beyond_any_room], |_| Ok(())).unwrap_err();
        assert!(error.is_beyond_budget(), "{error}");
    }

    #[test]
    fn a_first_tier_that_may_take_next_to_nothing_takes_nothing() {
        assert_eq!(Tier { index: 0, count: 2, first: usize::BITS }.ceiling(1 << 20), 0);
    }

    #[test]
    fn tiers_step_down_before_the_share_is_used_up() {
        let share = 1 << 20;
        let ceilings: [usize; 4] =
            core::array::from_fn(|index| Tier { index, count: 4, first: 1 }.ceiling(share));
        assert_eq!(ceilings, [share / 2, share / 4 * 3, share / 8 * 7, share]);
    }

    /// An app of iOS has few addresses, for which the larger tiers of 64-bit Unix are too large.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn of_four_gibibytes_the_first_reservation_takes_a_64th() {
        let tiers = [64 << 30, 4 << 30, 1 << 30, 64 << 20, 4 << 20, 256 << 10];
        let share = share(4 << 30);
        let fits = |&(index, bytes): &(usize, usize)| {
            room(
                0,
                Pages::round_up(bytes).unwrap(),
                Tier { index, count: tiers.len(), first: 1 }.ceiling(share),
            )
            .is_some()
        };
        let first = tiers.into_iter().enumerate().find(fits);
        assert_eq!((share, first), (512 << 20, Some((3, 64 << 20))));
    }

    /// What a process with 47 bits and the tiers of 64-bit Unix can make, without making it.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn the_hundred_thousandth_reservation_still_gets_something() {
        let tiers = [64 << 30, 4 << 30, 1 << 30, 64 << 20, 4 << 20, 256 << 10];
        let share: usize = 1 << 44;
        let (mut taken, mut count, mut ten_thousandth) = (0, 0, 0);
        for (index, bytes) in tiers.into_iter().enumerate() {
            let tier = Tier { index, count: tiers.len(), first: 1 };
            while taken + bytes <= tier.ceiling(share) {
                taken += bytes;
                count += 1;
                if count == 10_000 {
                    ten_thousandth = bytes;
                }
            }
        }
        assert!(taken <= share);
        assert!(count > 1_000_000, "{count}");
        assert_eq!(ten_thousandth, 64 << 20);
    }
}
