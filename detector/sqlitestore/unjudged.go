package sqlitestore

import (
	"context"
	"fmt"

	"github.com/heliograph-net/heliograph/detector/internal/rollups"
)

// version13 keeps rows until they are judged, and what the judgement goes on from.
const version13 = rollups.Schema + `
ALTER TABLE state ADD COLUMN judgement BLOB NOT NULL DEFAULT x'';`

// Judgement implements detector.State.
func (s *State) Judgement(ctx context.Context) (text []byte, err error) {
	if err := s.readers.QueryRowContext(ctx, "SELECT judgement FROM state").Scan(&text); err != nil {
		return nil, fmt.Errorf("reading the judgement: %w", err)
	}
	return text, nil
}
