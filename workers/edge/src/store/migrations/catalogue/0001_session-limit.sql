ALTER TABLE `tenants` ADD `max_sessions` integer;--> statement-breakpoint
CREATE INDEX `sessions_by_tenant` ON `sessions` (`tenant`,`ended_at`);