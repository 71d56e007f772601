// The shim's vocabulary as protobuf messages, in both directions. Included by .cpp files only.
#pragma once

#include "runtime/runtime.h"
#include "shim/shim.pb.h"
#include "shim/task.pb.h"
#include "shim/types.h"

namespace brig::shim {

namespace task_v2 = ::containerd::task::v2;

task_v2::CreateTaskRequest to_wire(const TaskSpec& spec);
TaskSpec from_wire(const task_v2::CreateTaskRequest& message);

v1::ExecStartRequest to_wire(const ExecSpec& spec);
ExecSpec from_wire(const task_v2::ExecProcessRequest& message, const v1::IoOptions& io);

v1::AttachRequest to_wire(const std::string& id, const std::string& exec_id,
                          const AttachOptions& options);
AttachOptions from_wire(const v1::AttachRequest& message);

v1::Exit to_wire(const TaskExit& exit);
TaskExit from_wire(const v1::Exit& message);

v1::Process to_wire(const TaskState& state);
TaskState from_wire(const v1::Process& message);

v1::Stats to_wire(const runtime::Stats& stats);
runtime::Stats from_wire(const v1::Stats& message);

task_v2::Timestamp to_wire(Instant instant);
task_v2::Status to_wire(TaskStatus status);

}  // namespace brig::shim
