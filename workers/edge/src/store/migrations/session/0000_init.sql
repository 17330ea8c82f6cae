CREATE TABLE `asks` (
	`id` text PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`body` text NOT NULL,
	`sent` integer NOT NULL,
	`text` text NOT NULL,
	`evidence` text NOT NULL,
	`outcome` text
);
--> statement-breakpoint
CREATE TABLE `deadlines` (
	`kind` text NOT NULL,
	`key` text NOT NULL,
	`due` integer NOT NULL,
	PRIMARY KEY(`kind`, `key`)
);
--> statement-breakpoint
CREATE TABLE `events` (
	`seq` integer PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`ask` text,
	`evidence` text,
	`bytes` integer NOT NULL,
	`body` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `events_ask` ON `events` (`ask`);--> statement-breakpoint
CREATE INDEX `events_evidence` ON `events` (`evidence`);--> statement-breakpoint
CREATE TABLE `runs` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`at` integer NOT NULL,
	`body` text NOT NULL,
	`state` text,
	`outcome` text
);
--> statement-breakpoint
CREATE TABLE `session` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant` text NOT NULL,
	`name` text,
	`wants` text,
	`created_at` integer NOT NULL,
	`phase` text NOT NULL,
	`epoch` integer NOT NULL,
	`tries` integer NOT NULL,
	`failed` text,
	`backend` text,
	`model` text
);
--> statement-breakpoint
CREATE TABLE `streams` (
	`stream` integer PRIMARY KEY NOT NULL,
	`body` text NOT NULL,
	`paused` integer NOT NULL,
	`closed` integer NOT NULL,
	`counters` text
);
--> statement-breakpoint
CREATE TABLE `tickets` (
	`id` text PRIMARY KEY NOT NULL,
	`expires` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `tracks` (
	`id` text PRIMARY KEY NOT NULL,
	`body` text NOT NULL,
	`life` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `watches` (
	`id` text PRIMARY KEY NOT NULL,
	`body` text NOT NULL,
	`ended` integer NOT NULL
);
