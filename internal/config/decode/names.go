package decode

import "strings"

// Suggestion names the known name nearest to a misspelt one, if one is near.
func Suggestion(written string, known []string) string {
	best, nearest := 1+min(len(written), 64)/4, ""
	for _, name := range known {
		if d := distance(strings.ToLower(written), strings.ToLower(name)); d <= best && (nearest == "" || d < best) {
			best, nearest = d, name
		}
	}
	if nearest == "" {
		return ""
	}
	return "; did you mean " + nearest + "?"
}

// distance is the number of letters to insert, delete or replace to get from one word to the other (Levenshtein).
func distance(from, to string) int {
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(from) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(to) {
			replaced := diagonal
			if from[i] != to[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(to)]
}
