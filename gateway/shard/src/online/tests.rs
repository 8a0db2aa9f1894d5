use proptest::prelude::*;

use super::*;

/// Gateways that ask each other, as soon as a test lets them.
struct Gateways {
    gateways: Vec<OnlineUsers>,
    now: Instant,
    told: Vec<(usize, Told)>,
}

type Asked = (AskOthers, Vec<(NodeId, Voice)>);

fn ana() -> HubUser {
    HubUser {
        hub: "chat".parse().unwrap(),
        user: "ana".parse().unwrap(),
    }
}

fn node(number: usize) -> NodeId {
    NodeId::new_generation(format!("gateway-{number}").parse().unwrap()).unwrap()
}

impl Gateways {
    fn new(count: usize) -> Self {
        Self {
            gateways: (0..count).map(|n| OnlineUsers::new(node(n))).collect(),
            now: Instant::now(),
            told: Vec::new(),
        }
    }

    fn came(&mut self, at: usize) {
        self.gateways[at].came(ana());
    }

    fn went(&mut self, at: usize) {
        self.gateways[at].went(&ana(), self.now);
    }

    /// One gateway asks all others; its answer is still on its way.
    fn ask(&mut self, at: usize) -> Option<Asked> {
        let ask = self.gateways[at].poll_ask()?;
        let asker = self.gateways[at].me.clone();
        let mut voices = Vec::new();
        for other in (0..self.gateways.len()).filter(|other| *other != at) {
            let other = &mut self.gateways[other];
            let voice = other.speaks_for(&ask.of, &asker, ask.leaving);
            voices.push((other.me.clone(), voice));
        }
        Some((ask, voices))
    }

    fn answer(&mut self, at: usize, (ask, voices): Asked) {
        let told = self.gateways[at].answered(ask, &voices, self.now);
        self.told.extend(told.map(|told| (at, told)));
    }

    /// Lets all of them ask, at the same time, until nobody has a question left.
    fn settle(&mut self) -> Vec<(usize, Told)> {
        loop {
            let mut asked = Vec::new();
            for at in 0..self.gateways.len() {
                asked.extend(self.ask(at).map(|asked| (at, asked)));
            }
            if asked.is_empty() {
                return std::mem::take(&mut self.told);
            }
            for (at, asked) in asked {
                self.answer(at, asked);
            }
        }
    }

    fn pass(&mut self, time: Duration) -> Vec<(usize, Told)> {
        self.now += time;
        for gateway in &mut self.gateways {
            gateway.handle_timeout(self.now);
        }
        self.settle()
    }

    fn is_forgotten(&self) -> bool {
        self.gateways.iter().all(|it| it.users.is_empty())
    }
}

const HALF: Duration = Duration::from_millis(500);

#[test]
fn the_first_connection_and_the_last_are_told_and_none_between() {
    let mut all = Gateways::new(2);
    all.came(0);
    assert_eq!(all.settle(), [(0, Told::Online)]);
    all.came(0);
    all.came(1);
    all.went(0);
    all.went(0);
    assert_eq!(all.settle(), []);
    assert_eq!(all.pass(LINGER), []);
    all.went(1);
    assert_eq!(all.pass(HALF), []);
    assert_eq!(all.pass(HALF), [(1, Told::Offline)]);
    assert!(all.is_forgotten());
}

#[test]
fn who_is_back_within_a_moment_has_not_been_away_on_whichever_gateway() {
    for back in [0, 1] {
        let mut all = Gateways::new(2);
        all.came(0);
        all.settle();
        all.went(0);
        assert_eq!(all.pass(HALF), []);
        all.came(back);
        assert_eq!(all.settle(), []);
        assert_eq!(all.pass(2 * LINGER), []);
        all.went(back);
        assert_eq!(all.pass(LINGER), [(back, Told::Offline)]);
    }
}

#[test]
fn of_several_that_come_or_go_at_the_same_time_one_tells() {
    let mut all = Gateways::new(3);
    (0..3).for_each(|at| all.came(at));
    assert_eq!(all.settle(), [(0, Told::Online)]);
    (0..3).for_each(|at| all.went(at));
    assert_eq!(all.pass(LINGER), [(0, Told::Offline)]);
    assert!(all.is_forgotten());
}

#[test]
fn who_comes_where_another_gateway_is_about_to_tell_the_end_keeps_the_user_online() {
    let mut all = Gateways::new(2);
    all.came(1);
    all.settle();
    all.went(1);
    all.now += LINGER;
    all.gateways[1].handle_timeout(all.now);
    let asked = all.ask(1).unwrap();
    assert_eq!(asked.1[0].1, Voice::No, "nobody else has the user yet");
    all.came(0);
    assert_eq!(all.settle(), [(0, Told::Online)], "once more, to be sure");
    all.answer(1, asked);
    assert_eq!(all.told, [], "it is the other one's user now");
}

#[test]
fn one_that_is_asked_while_it_asks_itself_lets_the_other_one_tell() {
    let mut all = Gateways::new(2);
    all.came(1);
    // It asks before the other one knows anything.
    let early = all.ask(1).unwrap();
    all.came(0);
    assert_eq!(all.settle(), [(0, Told::Online)]);
    all.answer(1, early);
    assert_eq!(all.told, []);
}

#[test]
fn one_that_finds_another_about_to_tell_the_end_tells_it_if_that_one_relies_on_it() {
    let mut all = Gateways::new(2);
    (0..2).for_each(|at| all.came(at));
    all.settle();
    all.went(0);
    all.now += HALF;
    all.went(1);
    all.now += HALF;
    all.gateways[0].handle_timeout(all.now);
    let first = all.ask(0).unwrap();
    assert_eq!(
        first.1[0].1,
        Voice::Speaks,
        "the other one waits for the user"
    );
    all.now += HALF;
    all.gateways[1].handle_timeout(all.now);
    let second = all.ask(1).unwrap();
    all.answer(1, second);
    all.answer(0, first);
    assert_eq!(all.told, [(0, Told::Offline)]);
}

#[test]
fn a_user_that_is_gone_before_the_answer_is_told_both_ways() {
    let mut all = Gateways::new(1);
    all.came(0);
    let asked = all.ask(0).unwrap();
    all.went(0);
    all.answer(0, asked);
    assert_eq!(all.told, [(0, Told::Online)]);
    all.told.clear();
    assert_eq!(all.pass(LINGER), [(0, Told::Offline)]);
    assert!(all.is_forgotten());
}

#[derive(Debug, Clone)]
enum Step {
    Came(usize),
    Went(usize),
    /// Asks the others; the answer comes later.
    Ask(usize),
    /// The oldest answer that is on its way comes.
    Answer,
    Pass(u64),
    Timeout(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0_usize..3).prop_map(Step::Came),
        (0_usize..3).prop_map(Step::Went),
        (0_usize..3).prop_map(Step::Ask),
        Just(Step::Answer),
        (0_u64..1500).prop_map(Step::Pass),
        (0_usize..3).prop_map(Step::Timeout),
    ];
    proptest::collection::vec(step, 0..80)
}

proptest! {
    #[test]
    fn what_is_told_last_is_so(steps in steps()) {
        let mut all = Gateways::new(3);
        let (mut connections, mut asked, mut told) = ([0_u32; 3], VecDeque::new(), Vec::new());
        for step in steps {
            match step {
                Step::Came(at) => {
                    connections[at] += 1;
                    all.came(at);
                }
                Step::Went(at) if connections[at] > 0 => {
                    connections[at] -= 1;
                    all.went(at);
                }
                Step::Went(_) => {}
                Step::Ask(at) => asked.extend(all.ask(at).map(|ask| (at, ask))),
                Step::Answer => {
                    if let Some((at, ask)) = asked.pop_front() {
                        all.answer(at, ask);
                    }
                }
                Step::Pass(millis) => all.now += Duration::from_millis(millis),
                Step::Timeout(at) => all.gateways[at].handle_timeout(all.now),
            }
        }
        for (at, ask) in asked {
            all.answer(at, ask);
        }
        told.append(&mut all.settle());
        for _ in 0..3 {
            told.append(&mut all.pass(LINGER));
        }
        let is_online = connections.iter().any(|count| *count > 0);
        let last = told.last().map(|(_, told)| *told);
        prop_assert_eq!(last == Some(Told::Online), is_online);
        prop_assert!(is_online || all.is_forgotten());
    }
}
