use super::*;
use TxnState::{Committed, Committing, Prewriting, RolledBack, Unknown};

const STATES: [TxnState; 5] = [
    Prewriting,
    Committing { commit_ts: 5 },
    Committed { commit_ts: 5 },
    RolledBack,
    Unknown { commit_ts: 5 },
];
const EVENTS: [Event; 5] = [
    Event::Send { commit_ts: 7 },
    Event::NotCommitted,
    Event::NoAnswer,
    Event::Committed { commit_ts: 9 },
    Event::RolledBack,
];

fn walk(events: &[Event]) -> TxnState {
    let cell = StateCell::new();
    for event in events {
        cell.note(*event);
    }
    cell.get()
}

#[test]
fn final_states_stay() {
    for state in [Committed { commit_ts: 5 }, RolledBack] {
        for event in EVENTS {
            assert_eq!(state.after(event), state, "{event:?}");
        }
    }
}

#[test]
fn the_ways_of_a_commit() {
    assert_eq!(walk(&[EVENTS[0]]), Committing { commit_ts: 7 });
    assert_eq!(walk(&[EVENTS[0], EVENTS[3]]), Committed { commit_ts: 9 });
    assert_eq!(walk(&[EVENTS[0], EVENTS[1]]), Prewriting);
    assert_eq!(
        walk(&[EVENTS[0], EVENTS[1], Event::Send { commit_ts: 8 }]),
        Committing { commit_ts: 8 }
    );
    assert_eq!(walk(&[EVENTS[0], EVENTS[2]]), Unknown { commit_ts: 7 });
    assert_eq!(walk(&[EVENTS[0], EVENTS[2], EVENTS[3]]), Committed { commit_ts: 9 });
    assert_eq!(walk(&[EVENTS[0], EVENTS[2], EVENTS[4]]), RolledBack);
}

#[test]
fn what_may_be_committed_is_never_rolled_back() {
    for state in STATES {
        let allowed = matches!(state, Prewriting | RolledBack);
        assert_eq!(state.may_roll_back(), allowed, "{state:?}");
    }
    // After a send only an answer, final or not, leads back to a state that may be rolled back.
    for state in STATES {
        for event in EVENTS {
            let after = state.after(event);
            if !state.may_roll_back() && after.may_roll_back() {
                assert!(
                    matches!(event, Event::NotCommitted | Event::RolledBack),
                    "{state:?} {event:?}"
                );
                assert!(!matches!(state, Unknown { .. }) || event == Event::RolledBack);
            }
        }
    }
}
