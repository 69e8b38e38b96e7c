"""python3 -m unittest"""
import math
import random
import unittest

from holtwinters import begin, forecast


def day(t, season=24, trend=0.5):
    """A load with a season and a trend, and nothing else."""
    return 500 + trend * t + 300 * math.sin(2 * math.pi * t / season) + 100 * math.cos(4 * math.pi * t / season)


class HoltWinters(unittest.TestCase):
    def close(self, got, want, places=9):
        self.assertEqual(len(got), len(want))
        for one, other in zip(got, want):
            self.assertAlmostEqual(one, other, places)

    def test_nothing_is_said_before_a_season_is_known(self):
        self.assertIsNone(forecast([], 2, 1))
        self.assertIsNone(forecast([10], 2, 1))

    def test_after_one_season_it_is_that_again(self):
        self.close(forecast([10, 20], 2, 5), [10, 20, 10, 20, 10])

    def test_numbers_worked_out_by_hand(self):
        # From 10 and 20: level 15, trend 0, season -5 and +5. 14 comes, where 15 - 5 was expected:
        #   level  0.4 * (14 + 5) + 0.6 * 15 = 16.6
        #   trend  0.02 * (16.6 - 15) = 0.032
        #   season 0.3 * (14 - 15) + 0.7 * -5 = -3.8
        self.close(forecast([10, 20, 14], 2, 3), [16.6 + 0.032 + 5, 16.6 + 0.064 - 3.8, 16.6 + 0.096 + 5])
        # And 22 comes, where 16.6 + 0.032 + 5 = 21.632 was expected:
        #   level  0.4 * (22 - 5) + 0.6 * 16.632 = 16.7792, but with a second season the trend is (18 - 15) / 2 from the start:
        #   level 15.75, trend 1.5, season 10 - 15 + 0.75 = -4.25 and 20 - 15 - 0.75 = 4.25
        self.close(begin([10, 20, 14, 22], 2)[:2], [15.75, 1.5])
        self.close(begin([10, 20, 14, 22], 2)[2], [-4.25, 4.25])
        # 14: level 0.4 * 18.25 + 0.6 * 17.25 = 17.65, trend 0.02 * 1.9 + 0.98 * 1.5 = 1.508, season 0.3 * -3.25 + 0.7 * -4.25 = -3.95
        # 22: level 0.4 * 17.75 + 0.6 * 19.158 = 18.5948, trend 0.02 * 0.9448 + 0.98 * 1.508 = 1.496736
        self.close(forecast([10, 20, 14, 22], 2, 1), [18.5948 + 1.496736 - 3.95])

    def test_a_pure_season_with_a_trend_is_foretold(self):
        for known in (48, 49, 71, 96):
            with self.subTest(known=known):
                self.close(forecast([day(t) for t in range(known)], 24, 30), [day(t) for t in range(known, known + 30)])

    def test_the_recursions_written_once_more(self):
        """By the formulas as they stand in the docstring, with a list for each letter and no modulo."""
        chance, m = random.Random(1), 6
        y = [day(t, m) + chance.gauss(0, 20) for t in range(5 * m)]
        l, b, s = {}, {}, {}
        l[m - 1], b[m - 1], season = begin(y, m)
        s.update(enumerate(season))
        for t in range(m, len(y)):
            l[t] = 0.4 * (y[t] - s[t - m]) + 0.6 * (l[t - 1] + b[t - 1])
            b[t] = 0.02 * (l[t] - l[t - 1]) + 0.98 * b[t - 1]
            s[t] = 0.3 * (y[t] - l[t - 1] - b[t - 1]) + 0.7 * s[t - m]
        t = len(y) - 1
        self.close(forecast(y, m, 4), [l[t] + h * b[t] + s[t + h - m] for h in range(1, 5)])

    def test_it_knows_more_than_the_last_value_does(self):
        chance = random.Random(1)
        load = [day(t) + chance.gauss(0, 20) for t in range(24 * 6)]
        ours = last = 0.0
        for t in range(24 * 2, len(load) - 3):
            ours += abs(forecast(load[: t + 1], 24, 3)[2] - load[t + 3])
            last += abs(load[t] - load[t + 3])
        self.assertLess(ours, last / 4)

    def test_a_level_that_changes_is_followed(self):
        """Most of it within two seasons: a part is taken for the season at first."""
        load = [day(t, trend=0) for t in range(72)] + [day(t, trend=0) + 200 for t in range(72, 120)]
        self.assertAlmostEqual(forecast(load, 24, 1)[0], day(120, trend=0) + 200, delta=50)


if __name__ == "__main__":
    unittest.main()
