"""What the comparison may not overlook. Run by `python3 -m unittest`."""

import unittest

from compare import Accepted, cases, compare, normal

THEIRS = '''A topic

## one
C text: hello
S text: hi

## two
S: HTTP/1.1 404 Not Found
   Content-Type: text/plain
   Server: Kestrel
   Transfer-Encoding: chunked

   No Connection with that ID
'''
OURS = '''A topic

## one
C text: hello
S text: hi

## two
S: HTTP/1.1 404 Nope
   content-length: 26
   content-type: text/plain

   No Connection with that ID
'''
NOTHING = Accepted("")


class Comparing(unittest.TestCase):
    def test_header_order_reason_phrases_and_framing_do_not_matter(self):
        self.assertEqual(compare("t", THEIRS, OURS, NOTHING).equal, 2)

    def test_a_body_a_status_and_a_header_matter(self):
        for old, new in (("that ID", "this ID"), ("404", "400"), ("text/plain", "text/html"), ("S text: hi\n", "")):
            outcome = compare("t", THEIRS, OURS.replace(old, new), NOTHING)
            self.assertEqual([outcome.equal, len(outcome.different)], [1, 1])

    def test_a_case_that_only_one_has_differs(self):
        self.assertEqual(len(compare("t", THEIRS, OURS + "\n## three\n", NOTHING).different), 1)
        self.assertEqual(len(compare("t", THEIRS, OURS.split("## two")[0], NOTHING).different), 1)

    def test_a_listed_difference_is_accepted_where_and_as_often_as_it_is_listed(self):
        listed = """
            [[difference]]
            topics = ["t"]
            cases = ["o*"]
            theirs = "S text: hi"
            ours = "S text: h*"
            reason = "greetings differ"
        """
        ours = OURS.replace("S text: hi", "S text: hullo")
        accepted = Accepted(listed)
        self.assertEqual([len(compare("t", THEIRS, ours, accepted).accepted), accepted.stale({"t"})], [1, []])
        self.assertEqual(len(compare("u", THEIRS, ours, accepted).different), 1)
        self.assertEqual(len(compare("t", THEIRS, ours.replace("## one", "## eins"), accepted).different), 2)
        accepted = Accepted(listed)
        self.assertEqual(compare("t", THEIRS, OURS, accepted).equal, 2)
        self.assertEqual(len(accepted.stale({"t"})), 1)
        self.assertEqual(accepted.stale({"u"}), [])

    def test_what_is_not_served_is_not_compared_and_has_to_differ(self):
        listed = '[[not_served]]\ntopics = ["t"]\ncases = ["two"]\nreason = "later"'
        accepted = Accepted(listed)
        outcome = compare("t", THEIRS, OURS.replace("404", "501"), accepted)
        self.assertEqual([outcome.equal, outcome.not_served, accepted.stale({"t"})], [1, ["two"], []])
        accepted = Accepted(listed)
        compare("t", THEIRS, OURS, accepted)
        self.assertEqual(len(accepted.stale({"t"})), 1)

    def test_independent_messages_may_come_in_any_order_where_that_is_listed(self):
        theirs, ours = "## one\nS text: a\nS text: b\n", "## one\nS text: b\nS text: a\n"
        self.assertEqual(compare("t", theirs, ours, NOTHING).equal, 0)
        accepted = Accepted('[[unordered]]\ntopics = ["t"]\ncases = ["one"]\nreason = "independent"')
        self.assertEqual(compare("t", theirs, ours, accepted).equal, 1)

    def test_a_difference_needs_a_matcher_and_a_reason(self):
        for entry in ('reason = "r"', 'reason = ""\nours = "x"'):
            with self.assertRaises(ValueError):
                Accepted(f'[[difference]]\ntopics = ["t"]\n{entry}')

    def test_numbers_of_the_server_do_not_matter_in_either_protocol(self):
        lines = ['C binary: 08 95 03 80 a2 73 35 03 06   [3, {}, "s5", 3, 6]', 'C binary: 09 95 03 80 a3 73 31 31 03 06   [3, {}, "s<n>", 3, 6]']
        self.assertEqual(normal(lines[:1]), normal(lines[1:]))

    def test_titles_that_come_again_are_told_apart(self):
        self.assertEqual(list(cases("## a\n## a\n## a\n")), ["a", "a (2)", "a (3)"])


if __name__ == "__main__":
    unittest.main()
