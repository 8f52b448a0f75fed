//! The shapes of workloads and leaks, and that chance repeats.

use poolwatch_simulator::patterns::{
    activity::{Activity, WorkRhythm},
    growth::{Course, LinearLeak, hourly_wobble},
    leaks::{Culprit, Family},
    load::{DAY, MONTH, is_backup_slot, load_of_slot},
    rng::{SeededRng, Subject, mix_bits},
    runs::draw_runs,
    software::{Group, Software},
    workload::{CacheFill, Conditions, PatternState, WarmUp, WorkloadPattern},
};

fn rng(part: u64) -> SeededRng {
    SeededRng::new([11, 0, 0, part])
}

/// What a leak of 1 GB over ten days has grown to at the end of each slot.
fn grown(family: Family) -> (Vec<f64>, Vec<f64>) {
    let mut rng = rng(family as u64);
    let mut course = Course::new(family, 1e9, 10 * DAY, &mut rng);
    let (mut leaked, mut held, mut teeth) = (0.0, Vec::new(), Vec::new());
    for since in 0..10 * DAY {
        leaked += course.step(since, since, &mut rng);
        held.push(leaked);
        teeth.push(course.tooth());
    }
    (held, teeth)
}

#[test]
fn a_stream_repeats_by_its_key_and_differs_from_its_neighbours() {
    let draw = |key| {
        let mut rng = SeededRng::new(key);
        (0..8).map(|_| rng.next_bits()).collect::<Vec<_>>()
    };
    assert_eq!(draw([1, 2, 3, 4]), draw([1, 2, 3, 4]));
    for other in [[0, 2, 3, 4], [1, 0, 3, 4], [1, 2, 0, 4], [1, 2, 3, 0]] {
        assert_ne!(draw([1, 2, 3, 4]), draw(other));
    }
    let mut of_subject = SeededRng::of_subject(1, Subject::Host, 3, 4);
    assert_eq!(of_subject.next_bits(), draw([1, Subject::Host as u64, 3, 4])[0]);
    assert_eq!(mix_bits(7), mix_bits(7));
    assert_ne!(mix_bits(7), mix_bits(8));
}

#[test]
fn draws_keep_within_their_bounds_and_around_their_middle() {
    let mut rng = rng(0);
    let (mut normal, mut even, mut large) = (0.0, 0.0, 0);
    for _ in 0..10_000 {
        assert!(rng.integer_below(7) < 7 && rng.index_below(7) < 7);
        assert!((-3..=3).contains(&rng.integer_between(-3, 3)));
        let magnitude = rng.log_uniform(1.0, 100.0);
        assert!((0.999..100.001).contains(&magnitude));
        large += usize::from(magnitude > 10.0);
        normal += rng.normal_swing();
        even += rng.uniform_swing();
    }
    assert!(f64::abs(normal) < 300.0 && f64::abs(even) < 300.0, "{normal} {even}");
    assert!((4700..5300).contains(&large), "a decade is as likely as the next: {large}");
    assert_eq!(rng.index_below(0), 0);
}

#[test]
fn leaks_grow_by_what_was_planned_but_for_their_family() {
    for family in Family::TUNING.into_iter().chain(Family::HELD_OUT) {
        let (held, _) = grown(family);
        let total = held[held.len() - 1];
        let (least, most) = match family {
            // By the days on which it falls, and by jobs of very different sizes.
            Family::Diurnal | Family::Coincidence | Family::Jobs => (0.5e9, 2.0e9),
            _ => (0.85e9, 1.15e9),
        };
        assert!((least..most).contains(&total), "{}: {total}", family.as_str());
    }
}

#[test]
fn every_course_has_its_shape() {
    let at = |held: &[f64], day: usize| held[day * DAY];
    let steady = |family| {
        let (held, _) = grown(family);
        held.windows(2).all(|pair| pair[1] >= pair[0])
    };
    for family in [Family::Slow, Family::Handles, Family::Stepwise, Family::Jobs, Family::Diurnal] {
        assert!(steady(family), "{}", family.as_str());
    }
    assert!(!steady(Family::PartlyFreed));

    let (plateau, _) = grown(Family::Plateau);
    assert_eq!(at(&plateau, 7), at(&plateau, 9));
    let (faster, _) = grown(Family::Accelerating);
    assert!(at(&faster, 9) - at(&faster, 8) > 2.0 * (at(&faster, 2) - at(&faster, 1)));
    let (steps, _) = grown(Family::Stepwise);
    let moves = steps.windows(2).filter(|pair| pair[1] > pair[0]).count();
    assert!((20..90).contains(&moves), "{moves} steps in ten days");
    let (_, teeth) = grown(Family::Sawtooth);
    assert!(teeth.windows(2).filter(|pair| pair[1] < pair[0]).count() > 10);
    let (_, none) = grown(Family::Slow);
    assert!(none.iter().all(|tooth| *tooth == 0.0));
}

#[test]
fn a_leak_by_the_minute_never_goes_back_and_ends_where_nothing_is_left() {
    for leak in [
        LinearLeak { at_epoch: 90_472, per_minute: 8, wobble: 15, most: 94_672 },
        LinearLeak { at_epoch: 580_000, per_minute: 150, wobble: 1200, most: 586_000 },
    ] {
        let start = leak.start_minute();
        assert_eq!((leak.objects_at(start - 1), leak.objects_at(0)), (0, leak.at_epoch));
        for minute in start - 10..600 {
            assert!(leak.objects_at(minute) <= leak.objects_at(minute + 1), "{minute}");
        }
        assert_eq!(leak.objects_at(i64::from(u32::MAX)), leak.most);
    }
    assert_eq!([0, 30, 60, -30].map(|minute| hourly_wobble(minute, 90)), [0, 90, 0, 90]);
}

#[test]
fn caches_fill_for_longer_and_longer_and_never_empty_by_themselves() {
    for fill in [CacheFill::Exponential, CacheFill::Linear, CacheFill::Quadratic] {
        let shares: Vec<f64> = (0..40).map(|up| fill.share(f64::from(up), 20.0)).collect();
        assert!((shares[0] - 0.15).abs() < 1e-9, "{fill:?}");
        assert!(shares.windows(2).all(|pair| pair[1] >= pair[0] && pair[1] <= 1.0), "{fill:?}");
        assert!(shares[39] > 0.85, "{fill:?} {}", shares[39]);
    }
    assert_eq!(CacheFill::Linear.share(30.0, 20.0), CacheFill::Quadratic.share(30.0, 20.0));
}

#[test]
fn a_pattern_follows_what_it_depends_on_and_nothing_else() {
    use WorkloadPattern::{Backup, LateCache, LevelShift, Load, Steady};
    let calm = Conditions { time: 100.0, uptime: 1000.0, load: 0.0, backup: false };
    let busy = Conditions { load: 0.4, ..calm };
    let later = Conditions { time: 900.0, ..calm };
    let night = Conditions { backup: true, ..calm };
    let share = |of: WorkloadPattern, at: &Conditions| of.expected_share(at);
    let steady = Steady { noise: 0.1, bursts: 0.1 };
    assert_eq!([calm, busy, later, night].map(|at| share(steady, &at)), [1.0; 4]);
    assert!((share(Load { depth: 0.5 }, &busy) - 1.2).abs() < 1e-9);
    assert_eq!(share(Backup { by: 0.5 }, &night), 1.5);
    let shift = LevelShift { from: 500.0, to: 3.0 };
    assert_eq!((share(shift, &calm), share(shift, &later)), (1.0, 3.0));
    let late = LateCache { from: 500.0, duration: 100.0 };
    assert!(share(late, &calm) < 0.11 && share(late, &later) > 0.95);
}

#[test]
fn a_healthy_tag_stays_near_its_level_whatever_its_pattern() {
    for held_out in [false, true] {
        for part in 0..40 {
            let mut rng = rng(part);
            let pattern = WorkloadPattern::draw(held_out, &mut rng);
            let mut state = PatternState::default();
            let mut shares: Vec<f64> = (0..MONTH)
                .map(|slot| {
                    let load = load_of_slot(slot) - 0.4;
                    let (time, backup) = (slot as f64, is_backup_slot(slot));
                    let at = Conditions { time, uptime: time, load, backup };
                    pattern.next_share(&at, &mut state, &mut rng)
                })
                .collect();
            shares.sort_by(f64::total_cmp);
            let median = shares[MONTH / 2];
            assert!((0.05..3.5).contains(&median), "{pattern:?}: {median}");
        }
    }
}

#[test]
fn use_rises_to_its_level_after_a_start() {
    let warm_up = WarmUp { cold: 0.6, rise: 0.4, duration: 3.0 };
    assert_eq!([0.0, 3.0, 500.0].map(|up| warm_up.share(up)), [0.6, 1.0, 1.0]);
}

#[test]
fn work_is_done_on_weekdays_and_backups_at_night() {
    let noon = 14 * 6;
    assert!(load_of_slot(noon) > 0.9 && load_of_slot(0) < 0.3);
    assert!(load_of_slot(5 * DAY + noon) < 0.4);
    assert_eq!(load_of_slot(noon), load_of_slot(7 * DAY + noon));
    assert!(is_backup_slot(2 * 6) && !is_backup_slot(noon) && !is_backup_slot(2 * DAY + 12));
}

#[test]
fn a_month_has_its_patch_day_and_uptimes_that_begin_anew() {
    for part in 0..10 {
        let runs = draw_runs(&mut rng(part));
        assert_eq!(runs.len(), MONTH);
        let known: Vec<(u32, usize)> = runs.into_iter().flatten().collect();
        assert!(known.len() > MONTH * 3 / 4, "{} slots known", known.len());
        let last = known[known.len() - 1].0;
        assert!((2..=8).contains(&last), "{last} runs");
        for pair in known.windows(2) {
            let ((old, before), (new, after)) = (pair[0], pair[1]);
            assert!(if new == old { after > before } else { new > old && after < DAY * 2 });
        }
    }
}

#[test]
fn a_program_that_leaks_holds_what_its_tag_lost_and_is_named() {
    let mut rng = rng(3);
    let group = Group::new(&mut rng);
    let mut people = Software::new(&group, &mut rng);
    let slots: Vec<(usize, u32)> = (0..MONTH).map(|slot| (slot, 1)).collect();
    let before = people.series(&slots);
    let objects: Vec<f64> = (0..MONTH).map(|slot| slot as f64 * 10.0).collect();
    let tag = "File".parse().unwrap();
    let family = Family::Handles;
    let names = people.accuse(Culprit::Program, family, tag, &objects, &[], &mut rng);
    let after = people.series(&slots);
    let grown: Vec<(&str, u64)> = before
        .iter()
        .zip(&after)
        .filter(|(old, new)| old.handles != new.handles)
        .map(|(old, new)| (&*new.image, new.handles[MONTH - 1] - old.handles[MONTH - 1]))
        .collect();
    let [(image, handles)] = grown[..] else { panic!("one program: {grown:?}") };
    assert_eq!(names, [image]);
    assert!(handles.abs_diff(objects[MONTH - 1] as u64) <= 1, "{handles}");
}

#[test]
fn a_broker_holds_the_handles_and_nobody_is_named() {
    let mut rng = rng(4);
    let group = Group::new(&mut rng);
    let mut people = Software::new(&group, &mut rng);
    let objects = vec![5000.0; MONTH];
    let tag = "Toke".parse().unwrap();
    let names = people.accuse(Culprit::ThroughBroker, Family::Broker, tag, &objects, &[], &mut rng);
    assert!(names.is_empty());
    let all = people.series(&[(0, 1)]);
    let lsass = all.iter().find(|program| program.image == "lsass.exe").unwrap();
    assert!(lsass.handles[0] > 5000);
}

#[test]
fn a_program_that_is_restarted_is_another_process_each_time() {
    let mut rng = rng(5);
    let group = Group::new(&mut rng);
    let mut people = Software::new(&group, &mut rng);
    let (objects, ends) = (vec![100.0; MONTH], [DAY, 3 * DAY]);
    let tag = "File".parse().unwrap();
    let family = Family::ProgramRestarts;
    let names = people.accuse(Culprit::Program, family, tag, &objects, &ends, &mut rng);
    let slots: Vec<(usize, u32)> = (0..MONTH).map(|slot| (slot, 1)).collect();
    let runs: Vec<_> =
        people.series(&slots).into_iter().filter(|one| one.image == names[0]).collect();
    assert_eq!(runs.len(), 3);
    let missing = poolwatch_model::history::MISSING;
    for slot in [0, DAY, 3 * DAY, MONTH - 1] {
        let alive = runs.iter().filter(|run| run.handles[slot] != missing).count();
        assert_eq!(alive, 1, "slot {slot}");
    }
}

#[test]
fn hosts_of_a_group_have_the_same_drivers_in_versions_of_their_own() {
    let mut rng = rng(6);
    let group = Group::new(&mut rng);
    let hosts: Vec<Software> = (0..40).map(|_| Software::new(&group, &mut rng)).collect();
    let names = |host: &Software| -> Vec<String> {
        host.drivers.iter().map(|driver| driver.name.clone()).collect()
    };
    assert!(hosts.iter().all(|host| names(host) == names(&hosts[0])));
    let bad = hosts.iter().filter(|host| host.has_bad_driver()).count();
    assert!((8..=26).contains(&bad), "{bad} of 40");
}

#[test]
fn programs_work_by_their_rhythm_and_the_same_in_the_same_slot() {
    let mut rng = rng(7);
    let mut of = |rhythm| Activity::by_rhythm(rhythm, &mut rng);
    let sessions = of(WorkRhythm::Sessions { length: 18, share: 0.4 });
    let done = |work: &Activity, slot: usize| work.operations(slot);
    let works = (0..MONTH).filter(|slot| done(&sessions, *slot) > 0.0).count();
    assert!((MONTH / 4..MONTH / 2 + MONTH / 10).contains(&works), "{works} of {MONTH}");
    assert_eq!(done(&sessions, 77), done(&sessions, 77));
    let nights = of(WorkRhythm::Nights);
    assert!((0..MONTH).all(|slot| (done(&nights, slot) > 0.0) == is_backup_slot(slot)));
    let always = of(WorkRhythm::Always);
    assert!((0..MONTH).all(|slot| done(&always, slot) > 0.0));
    let jobs = of(WorkRhythm::Jobs);
    let busy = (0..MONTH).filter(|slot| done(&jobs, *slot) > 0.0).count();
    assert!((MONTH / 20..MONTH / 7).contains(&busy), "{busy} of {MONTH}");
}

#[test]
fn a_program_drives_a_leak_by_its_operations_or_shares_its_cause() {
    for is_shared in [false, true] {
        let mut rng = rng(8);
        let group = Group::new(&mut rng);
        let mut people = Software::new(&group, &mut rng);
        let rhythm = WorkRhythm::Sessions { length: 6, share: 0.5 };
        let (name, driving) = people.drive(rhythm, is_shared, &mut rng);
        let slots: Vec<Vec<usize>> = (0..MONTH).map(|slot| vec![slot]).collect();
        let all = people.operations(&slots);
        let program = all.iter().find(|one| one.image == name).unwrap();
        let same = (0..MONTH)
            .filter(|slot| program.operations[*slot] == driving.operations(*slot) as u64)
            .count();
        assert_eq!(same == MONTH, !is_shared, "{same} of {MONTH}");
        let at_least =
            (0..MONTH).all(|slot| program.operations[slot] + 1 >= driving.operations(slot) as u64);
        assert!(at_least, "what it shares is among what it does");
    }
}
