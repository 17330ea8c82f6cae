CREATE TABLE `leases` (
	`session` text PRIMARY KEY NOT NULL,
	`epoch` integer NOT NULL,
	`backend` text NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `waiting` (
	`session` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL
);
