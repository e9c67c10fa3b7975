package engine_test

import (
	"context"
	"path/filepath"

	"github.com/rockbridge-db/rockbridge/engine"
)

// backups is a folder with one backup of the kit's database.
func (k *lifecycleKit) backups() *engine.Backups {
	b, err := engine.OpenBackups(filepath.Join(k.dir, "backups"), nil)
	must(err)
	_, err = b.Create(context.Background(), k.db, nil)
	must(err)
	return b
}

var backupsCalls = map[string]call[*engine.Backups]{
	"Close": func(b *engine.Backups, _ *lifecycleKit) error { return b.Close() },
	"Path": func(b *engine.Backups, k *lifecycleKit) error {
		none := k.state == "nil" || k.state == "zero" || k.state == "failed"
		return want(nil, (b.Path() == "") == none, b.Path())
	},
	"Create": func(b *engine.Backups, k *lifecycleKit) error {
		made, err := b.Create(context.Background(), k.db, nil)
		return want(err, made.ID > 0, made)
	},
	"List": func(b *engine.Backups, _ *lifecycleKit) error {
		all, err := b.List(context.Background())
		return want(err, len(all) > 0 && all[0].ID == 1, all)
	},
	"Verify": func(b *engine.Backups, _ *lifecycleKit) error { return b.Verify(context.Background(), 0, nil) },
	"Restore": func(b *engine.Backups, k *lifecycleKit) error {
		return b.Restore(context.Background(), 1, filepath.Join(k.dir, "restored"), nil)
	},
	"Purge":  func(b *engine.Backups, _ *lifecycleKit) error { return b.Purge(context.Background(), 1) },
	"Delete": func(b *engine.Backups, _ *lifecycleKit) error { return b.Delete(context.Background(), 1) },
}

var backupsTable = &lifecycleTable[*engine.Backups]{
	calls: backupsCalls,
	want:  merged(always("Close", "Path"), map[string]string{"Create/database closed": answerClosed}),
	alone: true,
	states: []state[*engine.Backups]{
		{"nil", dead, constant(func() *engine.Backups { return nil })},
		{"zero", dead, constant(func() *engine.Backups { return new(engine.Backups) })},
		{"open", alive, after((*lifecycleKit).backups)},
		{"database closed", alive, after((*lifecycleKit).backups, parentClosed)},
		{"closed", dead, after((*lifecycleKit).backups, closed)},
		{"closed twice", dead, after((*lifecycleKit).backups, closed, closed)},
		{"failed", dead, after(func(k *lifecycleKit) *engine.Backups {
			b, err := engine.OpenBackups(k.db.Path(), nil)
			if err == nil {
				panic("the kit: a database was taken for a folder of backups")
			}
			return b
		})},
	},
}

// updates begins with the kit's first row.
func (k *lifecycleKit) updates() *engine.Updates {
	u, err := k.db.UpdatesSince(context.Background(), 1, nil)
	must(err)
	return u
}

var updatesCalls = map[string]call[*engine.Updates]{
	"Close": func(u *engine.Updates, _ *lifecycleKit) error { return u.Close() },
	"Error": func(u *engine.Updates, _ *lifecycleKit) error { return u.Error() },
	"Next": func(u *engine.Updates, _ *lifecycleKit) error {
		there := u.Next(context.Background())
		return want(u.Error(), there, "no update")
	},
	"Position": func(u *engine.Updates, k *lifecycleKit) error {
		none := k.state == "nil" || k.state == "zero" || k.state == "failed"
		return want(nil, (u.Position().Sequence == 1) == !none, u.Position())
	},
	"Update": func(u *engine.Updates, _ *lifecycleKit) error { return want(nil, u.Update().Batch == nil, u.Update()) },
	"Wait":   func(u *engine.Updates, _ *lifecycleKit) error { return u.Wait(context.Background()) },
}

var updatesTable = &lifecycleTable[*engine.Updates]{
	calls: updatesCalls,
	want:  always("Close", "Position", "Update"),
	alone: true,
	states: []state[*engine.Updates]{
		{"nil", dead, constant(func() *engine.Updates { return nil })},
		{"zero", dead, constant(func() *engine.Updates { return new(engine.Updates) })},
		{"open", alive, after((*lifecycleKit).updates)},
		{"closed", dead, after((*lifecycleKit).updates, closed)},
		{"closed twice", dead, after((*lifecycleKit).updates, closed, closed)},
		{"parent closed", dead, after((*lifecycleKit).updates, parentClosed)},
		{"parent closed, closed", dead, after((*lifecycleKit).updates, parentClosed, closed)},
		{"failed", dead, after(func(k *lifecycleKit) *engine.Updates {
			u, err := k.db.UpdatesSince(context.Background(), 1<<40, nil)
			if err == nil {
				panic("the kit: the future was given")
			}
			return u
		})},
	},
}
